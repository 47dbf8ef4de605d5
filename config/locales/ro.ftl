# Ce spune botul, în română. Sintaxa: https://projectfluent.org
#
# Fiecare text are o linie în src/i18n/keys.rs și o pereche cu aceleași variabile în en.ftl, în afară
# de cele ale comenzilor (cmd-…). Testele le compară. Numerele își primesc singure separatorii.
# Formele de plural sunt trei: 1 punct [one], 2 puncte [few], 20 de puncte [other].
# Se scriu ș și ț cu virgulă dedesubt, nu cu sedilă.

## Numărători

points = { $count ->
        [one] { $count } punct
        [few] { $count } puncte
       *[other] { $count } de puncte
    }
entries-count = { $count ->
        [one] { $count } înregistrare
        [few] { $count } înregistrări
       *[other] { $count } de înregistrări
    }

## Butoane: textele sunt fixe, oamenii și testele le cunosc

button-confirm = Confirmă
button-cancel = Renunță
button-undo = Desfă
button-restore-mine = Restaurează varianta mea
button-link = Leagă
button-next = Înainte
button-back = Înapoi

## Liste

more-lines = … și încă { $count ->
        [one] un rând
        [few] { $count } rânduri
       *[other] { $count } de rânduri
    }
nobody = nimeni

## Numele câmpurilor

field-name = nume
field-rank = grad
field-points = puncte
field-member = membru
field-category = categorie
field-floor = minim
field-private = privat
field-title = titlu
field-promote-at = avansează la
field-demote-below = retrogradează sub
field-role = rol
field-user = persoană
field-platform = platformă
field-label = etichetă
field-ended = încheiată

## Valori

value-none = nimic
value-deleted = șters
value-yes = da
value-no = nu
platform-desktop = aplicația de calculator
platform-mobile = aplicația de telefon
platform-web = browser
platform-unknown = platformă necunoscută
ended-logout = deconectare
ended-moderator = de un moderator
ended-idle = nefolosită prea mult timp
ended-lifetime = deschisă de prea mult timp
ended-undo = deschiderea ei a fost desfăcută

## Răspunsuri la modificări

receipt-points-add = Am adăugat { $points } pentru { $entries } în { $table }
receipt-points-remove = Am scăzut { $points } pentru { $entries } în { $table }
receipt-entry-add = Am adăugat { $entries } în { $table }
receipt-entry-set = Am modificat în { $table }
receipt-entry-delete = Am șters { $entries } din { $table }
receipt-table-create = Am creat tabelul { $table }
receipt-rank-set = Am modificat un grad din { $table }
receipt-event-undo = Am desfăcut evenimentul #{ $event } din { $table }
receipt-session-open = Sesiune deschisă
receipt-session-close = Sesiune încheiată
receipt-superseded = Nimic nu s-a schimbat în { $table }: rămâne o modificare mai nouă
receipt-no-change = Totul este deja cum ai cerut; nu a fost nimic de schimbat.
line-points = **{ $name }**: { $before } → { $after } ({ $delta })
line-points-new = **{ $name }** (intrare nouă): { $before } → { $after } ({ $delta })
line-capped = { $line }; s-au cerut { $requested }, dar s-a atins o limită a tabelului
line-field = **{ $name }**, { $field }: { $before } → { $after }
line-created = Nou: **{ $name }**
line-deleted = Șters: **{ $name }**
line-restored = Readus: **{ $name }**
line-session-ended = **{ $name }**: { $how }
line-superseded = **{ $name }**, { $field }: rămâne { $value }, există o modificare mai nouă
note-repeated = Date de mai multe ori, socotite o dată: { $names }
note-reason = Motiv: { $reason }
footer-event = #{ $event }
footer-session = #{ $event } · sesiunea { $session }
footer-inferred = #{ $event } · sesiunea { $session }, dedusă

## Desfacere

undo-asks = Desfac totuși evenimentul #{ $event }?
undo-question = Ce a scris el s-a schimbat între timp. Încă nu s-a modificat nimic: Confirmă îl desface totuși, Renunță lasă totul cum este.
undo-conflict = **{ $name }**, { $field }: acum { $now }; { $effect }
undo-conflict-by = **{ $name }**, { $field }: acum { $now }, de la { $who } { $when } (#{ $event }); { $effect }
undo-puts-back = desfacerea pune la loc { $back }
undo-deletes = desfacerea îl șterge
nothing-changed = Nu s-a modificat nimic.

## Tabele

table-heading = **{ $table }** — { $entries }, { $points }
table-page = Pagina { $page } din { $pages }
table-empty = Încă nu are nicio înregistrare. Adaug-o pe prima cu `/punctaj adaugă`.
table-cut = { $count ->
        [one] Un rând al acestei pagini este prea lung pentru a fi arătat; îl găsești cu `/punctaj-admin date export`.
        [few] { $count } rânduri ale acestei pagini sunt prea lungi pentru a fi arătate; le găsești cu `/punctaj-admin date export`.
       *[other] { $count } de rânduri ale acestei pagini sunt prea lungi pentru a fi arătate; le găsești cu `/punctaj-admin date export`.
    }
column-name = Nume
column-rank = Grad
column-points = Puncte
choose-table = La care tabel te referi? Alege unul sau scrie-l în opțiunea `tabel`.
choose-table-menu = Alege un tabel
tables-title = { $count ->
        [one] Un tabel
        [few] { $count } tabele
       *[other] { $count } de tabele
    }
tables-none = Încă nu există niciun tabel. Creează unul cu `/punctaj-admin tabel creează`.
tables-line = **{ $table }** — { $entries }, { $ranks ->
        [0] fără grade
        [one] un grad
        [few] { $ranks } grade
       *[other] { $ranks } de grade
    }
ranks-title = Gradele din { $table }
ranks-none = { $table } nu are încă grade. Creează unul cu `/punctaj-admin grad setează`.
ranks-line = { $rank } · **{ $title }**
ranks-promote = {" "}· avansează la { $points }
ranks-demote = {" "}· retrogradează sub { $points }

## Sesiuni ale dispozitivelor

sessions-title = Sesiunile tale deschise
session-line = **{ $label }** · `{ $id }` · { $platform } · deschisă { $since } · folosită { $seen }
session-unnamed = fără etichetă
session-current = { $session }
    ↳ aceasta: { $how }
session-used = De acum lucrezi în această sesiune: { $session }
session-all-others = toate celelalte
session-choice = { $id }, { $platform }
attribution-exact = exact, din butonul apăsat
attribution-presence = dedusă după locul unde persoana este online
attribution-recent = dedusă, sesiunea folosită ultima
attribution-new = abia deschisă

## Istoricul

search-title = Evenimente, de la cel mai nou
search-empty = Niciun eveniment nu se potrivește.
search-line = **#{ $event }** { $when } { $who } · `{ $action }`
search-undone = {" "}· desfăcut de #{ $event }
search-more = {" "}(+{ $count })
search-changes = { $count ->
        [one] o modificare
        [few] { $count } modificări
       *[other] { $count } de modificări
    }
search-menu = Deschide un eveniment
event-title = Evenimentul #{ $event } · { $action }
event-who = **Cine:** { $value }
event-table = **Tabel:** { $value }
event-outcome = **Rezultat:** { $value }
event-device = **Dispozitiv:** { $value }
event-attribution = **Cum a fost recunoscut:** { $value }
event-via = **Pe ce cale:** { $value }
event-at = **Cerut:** { $value }
event-applied-at = **Aplicat:** { $value }
event-reason = **Motiv:** { $value }
event-undoes = **Desface:** { $value }
event-undone-by = **Desfăcut de:** { $value }
event-overwrote = **A suprascris fără să fi fost văzut:** { $value }
event-no-changes = Fără modificări.
event-hash = amprentă { $hash }…
outcome-applied = aplicat
outcome-superseded = fără efect: rămâne o modificare mai nouă
outcome-refused = refuzat: lipsește dreptul
export-events = { $count ->
        [one] Un eveniment, de la cel mai vechi.
        [few] { $count } evenimente, de la cel mai vechi.
       *[other] { $count } de evenimente, de la cel mai vechi.
    }
export-table = { $table }: { $entries }.
verify-ok = Istoricul este în regulă
verify-ok-line = { $count ->
        [one] Un eveniment a fost recalculat, iar reluarea lui dă exact ce este în tabele.
        [few] Toate cele { $count } evenimente au fost recalculate, iar reluarea lor dă exact ce este în tabele.
       *[other] Toate cele { $count } de evenimente au fost recalculate, iar reluarea lor dă exact ce este în tabele.
    }
verify-problem = Istoricul nu este în regulă
verify-head = Capăt: #{ $event }
    `{ $hash }`
verify-missing = Lipsește evenimentul #{ $event }.
verify-chain = Evenimentul #{ $event } nu continuă amprenta celui dinaintea lui.
verify-hash = Conținutul evenimentului #{ $event } nu este cel din care s-a calculat amprenta lui.
verify-before = Evenimentul #{ $event } modifică { $field } pentru { $name }, dar valoarea dinainte nu era cea scrisă în el.
verify-wrong-head = Capătul ar fi evenimentul #{ $event }, dar evenimentele se termină în altă parte.
verify-state = În tabele, { $field } pentru { $name } ({ $what }) nu este ce spun evenimentele.

## Ajutor

help-title = Ce poți face aici
help-nothing = Aici nu este nimic ce ai voie să faci. Poate cineva cu dreptul Administrează serverul.
help-everyday = În fiecare zi
help-everyday-text = Mai multe nume se despart prin virgule; un nume cu virgulă se scrie între ghilimele. Fără `tabel` lucrezi în tabelul folosit ultima dată.
help-undo = Desfacere
help-undo-text = Răspunsul la orice modificare are un buton Desfă, iar o desfacere se poate desface și ea. Folosită din nou, comanda merge mai departe înapoi.
help-sessions = Dispozitive
help-sessions-text = Discord nu spune de pe ce dispozitiv scrii. Cu câte o sesiune pentru fiecare dispozitiv, istoricul le deosebește.
help-audit = Istoric
help-audit-text = Orice modificare este un eveniment cu un număr; niciunul nu poate fi schimbat.
help-admin = Configurare
help-admin-text = Un tabel se numește `Nume` sau `Categorie/Nume`.

## Ce nu a mers

error-internal = Ceva nu a mers în interiorul botului. Referință: `{ $reference }`
error-outcome-unknown = Legătura cu baza de date s-a întrerupt chiar la salvare și nu s-a putut afla dacă modificarea ta a fost salvată. Verifică cu `/punctaj arată` înainte să o repeți. Referință: `{ $reference }`
error-unreachable = Baza de date nu poate fi accesată acum. Încearcă din nou peste un minut.
error-guild-only = Merge doar pe un server. Folosește comanda pe un canal al serverului tău.
error-old-button = Butonul sau meniul acesta este de la altă versiune a botului. Folosește din nou comanda ca să primești unul nou.
error-old-command = Discord are comanda aceasta de la altă versiune a botului. Încearcă din nou peste câteva minute sau repornește Discord.
error-option = Una dintre opțiuni nu poate fi citită. Alege ce oferă Discord sau scrie din nou.
error-forbidden = Îți lipsește dreptul `{ $right }` pentru asta. Poate cineva cu dreptul Administrează serverul.
error-no-tables = Aici nu există încă niciun tabel. Cineva cu dreptul Administrează serverul creează unul cu `/punctaj-admin tabel creează`.
error-unknown-table = Nu există tabelul { $table }. `/punctaj-admin tabel listă` arată ce tabele sunt.
error-unknown-table-near = Nu există tabelul { $table }. Te-ai gândit la: { $near }?
error-ambiguous-table = Mai multe tabele se numesc { $table }. Scrie-l cu categoria lui: { $tables }.
error-table-exists = Tabelul { $table } există deja. Alege alt nume sau altă categorie.
error-unknown-names = Aceste nume nu sunt în { $table }:
line-unknown-name = - **{ $name }**
line-unknown-name-near = - **{ $name }** — te-ai gândit la: { $near }?
hint-unknown-names = Corectează numele și încearcă din nou; `/punctaj adaugă` creează înregistrări noi.
error-name-taken = În { $table } există deja altă înregistrare cu numele { $name }. Alege alt nume.
error-member-taken = Membrul este legat de altă înregistrare a acestui tabel, deci { $name } nu poate fi legat de el. Pune mai întâi `-` la câmpul `membru` al acelei înregistrări.
error-member-unlinked = { $member } nu este legat de nicio înregistrare din { $table }. Scrie numele înregistrării sau leag-o cu `/punctaj setează` și câmpul `membru`.
error-unknown-rank = { $table } nu are gradul { $rank }. `/punctaj-admin grad listă` arată gradele; `-` scoate gradul.
error-below-floor = { $value } este sub { $floor }, minimul acestui tabel. Scrie un număr mai mare.
error-unknown-field = Nu există câmpul { $field }. Există: nume, grad, puncte, membru.
error-unknown-event = Nu există evenimentul #{ $event }. Numerele evenimentelor sunt în fiecare răspuns și în `/punctaj-audit caută`.
error-not-yours = Evenimentul #{ $event } este al altcuiva. Poți desface doar modificările tale.
error-already-undone = Evenimentul #{ $event } este deja desfăcut, de #{ $by }. Ca să revină, desfă #{ $by }.
error-not-undoable = Evenimentul #{ $event } nu se poate desface: ține de o sesiune sau nu a avut efect.
error-nothing-to-undo = Nu ai aici nicio modificare care s-ar putea desface.
error-unknown-session = Nu ai nicio sesiune deschisă { $session }. `/punctaj sesiune listă` arată sesiunile tale.
error-no-other-sessions = Nu ai altă sesiune deschisă.
error-session-missing = Spune ce sesiune vrei să folosești. `/punctaj sesiune listă` arată sesiunile tale.
error-draft-gone = Meniul sau căutarea este prea veche pentru a continua sau nu este a ta. Folosește din nou comanda.
error-add-negative = `adaugă` nu primește puncte negative. Ca să scazi puncte, folosește `/punctaj scade` (`/punctaj remove`).
error-remove-negative = `scade` primește punctele ca număr pozitiv. Ca să dai puncte, folosește `/punctaj adaugă` (`/punctaj add`).
error-remove-zero = Scăderea a 0 puncte nu schimbă nimic. Scrie cel puțin 1.
error-award-limit = O comandă dă sau ia cel mult { $limit } puncte. Scrie un număr mai mic.
error-not-points = { $given } nu este un număr de puncte. Punctele sunt un număr întreg scris cu cifre, de exemplu 12 sau -3, de cel mult { $limit } în orice sens. Scrie un astfel de număr.
error-not-a-member = { $given } nu este un membru. Menționează un membru sau scrie id-ul lui; `-` dezleagă.
error-reason-long = Numărul de caractere al motivului este { $chars }; limita este { $limit }. Scurtează-l.
error-label-long = Numărul de caractere al etichetei este { $chars }; limita este { $limit }. Scurteaz-o.
error-event-number = Numărul unui eveniment este cel puțin 1. Îl găsești în fiecare răspuns.
error-unknown-action = Nu există acțiunea { $action }. Există: { $known }.
error-unknown-layout = Nu există un astfel de aspect. Există: phone, wide.
error-unknown-sort = Nu există o astfel de ordine. Există: points, name, rank.
error-unknown-format = Nu există un astfel de format. Alege unul dintre cele oferite de Discord.
error-rank-number = Numărul unui grad este între 1 și { $limit }. Scrie un astfel de număr.
error-file-large = Fișierul ar avea { $size } MiB, iar Discord primește aici cel mult { $limit } MiB. Restrânge-l cu filtrele.
error-name-empty = Un nume este gol. Scrie cel puțin un caracter vizibil.
error-name-long = Numărul de caractere al unui nume este { $chars }; limita este { $limit }. Scurtează-l.
error-name-character = Un nume conține caracterul { $character }, care este invizibil sau rupe rândul. Scrie numele din nou.
error-category = Categoria: { $problem }
error-extra-slash = Adresa unui tabel are cel mult o bară: `Categorie/Nume`. Scoate-le pe celelalte.
error-names-empty = În listă nu este niciun nume. Scrie cel puțin unul.
error-names-many = Numărul de nume din listă este { $count }; limita unei comenzi este { $limit }. Împarte lista.
error-names-part = { $part } din listă nu poate fi citit. { $problem }
error-quote-open = O pereche de ghilimele nu este închisă. Închide-o sau scoate-o.
error-quote-text = După ghilimelele care se închid urmează o virgulă. Pune una acolo.

## Comenzi: nume, descrieri, opțiuni, alegeri

cmd-punctaj = punctaj
    .description = Puncte: adaugă, scade, setează, arată, desfă
cmd-punctaj-add = adaugă
    .description = Adaugă puncte la una sau mai multe înregistrări; numele noi devin înregistrări
cmd-punctaj-add-points = puncte
    .description = Câte, de la 0 la 1.000.000.000 (0 dacă lipsește)
cmd-punctaj-remove = scade
    .description = Scade puncte, până la minimul tabelului
cmd-punctaj-remove-points = puncte
    .description = Câte, de la 1 la 1.000.000.000
cmd-punctaj-set = setează
    .description = Setează un câmp al unei înregistrări: nume, grad, puncte sau membru
cmd-punctaj-set-name = nume
    .description = Înregistrarea: numele ei sau o mențiune a membrului
cmd-punctaj-delete = șterge
    .description = Șterge înregistrări; desfacerea le aduce înapoi cu punctele lor
cmd-punctaj-view = arată
    .description = Arată un tabel, pe pagini
cmd-punctaj-undo = desfă
    .description = Desface ultima ta modificare sau una de-a ta după număr
cmd-punctaj-undo-event = eveniment
    .description = Numărul evenimentului tău, ca în #12
cmd-punctaj-session = sesiune
    .description = Dispozitivele tale
cmd-punctaj-session-login = deschide
    .description = Începe o sesiune nouă pentru acest dispozitiv
cmd-punctaj-session-list = listă
    .description = Arată sesiunile tale deschise
cmd-punctaj-session-use = folosește
    .description = Trece la altă sesiune de-a ta
cmd-punctaj-session-logout = încheie
    .description = Încheie sesiunea aceasta sau alta de-a ta
cmd-punctaj-help = ajutor
    .description = Ce poți face aici
cmd-punctaj-audit = punctaj-audit
    .description = Istoricul tuturor modificărilor
cmd-punctaj-audit-search = caută
    .description = Caută în istoric; toate filtrele se combină
cmd-punctaj-audit-search-name = nume
    .description = Evenimente despre această înregistrare sau acest tabel
cmd-punctaj-audit-show = arată
    .description = Arată un eveniment întreg
cmd-punctaj-audit-export = export
    .description = Rezultatul unei căutări ca fișier
cmd-punctaj-audit-export-name = nume
    .description = Evenimente despre această înregistrare sau acest tabel
cmd-punctaj-audit-verify = verifică
    .description = Verifică dacă istoricul este întreg și se potrivește cu tabelele
cmd-punctaj-admin = punctaj-admin
    .description = Configurarea tabelelor, gradelor și datelor
cmd-punctaj-admin-table = tabel
    .description = Tabele
cmd-punctaj-admin-table-create = creează
    .description = Creează un tabel
cmd-punctaj-admin-table-create-table = tabel
    .description = Nume sau Categorie/Nume
cmd-punctaj-admin-table-list = listă
    .description = Arată tabelele
cmd-punctaj-admin-rank = grad
    .description = Gradele unui tabel
cmd-punctaj-admin-rank-set = setează
    .description = Creează un grad sau îl modifică pe cel cu acest număr
cmd-punctaj-admin-rank-list = listă
    .description = Arată gradele unui tabel
cmd-punctaj-admin-data = date
    .description = Date care intră și ies
cmd-punctaj-admin-data-export = export
    .description = Un tabel ca fișier
cmd-opt-names = nume
    .description = Nume sau mențiuni, despărțite prin virgule
cmd-opt-name = nume
    .description = Numele înregistrării
cmd-opt-points = puncte
    .description = Câte puncte
cmd-opt-table = tabel
    .description = Care tabel; dacă lipsește, cel folosit ultima dată
cmd-opt-reason = motiv
    .description = De ce, în cel mult 300 de caractere
cmd-opt-field = câmp
    .description = Care câmp
cmd-opt-value = valoare
    .description = Ce să conțină; - golește gradul și membrul
cmd-opt-sort = ordine
    .description = În ce ordine
cmd-opt-layout = aspect
    .description = Pentru telefon sau pentru ecran lat; se ține minte pentru sesiune
cmd-opt-share = public
    .description = Să vadă toți de pe canal
cmd-opt-event = eveniment
    .description = Numărul evenimentului, ca în #12
cmd-opt-device = dispozitiv
    .description = Cum numești acest dispozitiv, de exemplu PC Birou
cmd-opt-session = sesiune
    .description = Care dintre sesiunile tale: id-ul sau eticheta ei
cmd-opt-topic = subiect
    .description = Despre ce
cmd-opt-who = cine
    .description = Cine a acționat
cmd-opt-action = acțiune
    .description = Ce s-a făcut
cmd-opt-format = format
    .description = Felul fișierului; CSV dacă lipsește
cmd-opt-rank = grad
    .description = Numărul lui; mai mare înseamnă mai sus
cmd-opt-title = titlu
    .description = Cum se numește
cmd-opt-promote_at = avansează_la
    .description = Puncte de la care se trece la gradul următor
cmd-opt-demote_below = retrogradează_sub
    .description = Puncte sub care se coboară la gradul dinainte
cmd-opt-role = rol
    .description = Rolul de Discord care îi corespunde
cmd-choice-points = puncte
cmd-choice-name = nume
cmd-choice-rank = grad
cmd-choice-phone = telefon
cmd-choice-wide = lat
cmd-choice-everyday = în fiecare zi
cmd-choice-sessions = dispozitive și sesiuni
cmd-choice-undo = desfacere
cmd-choice-audit = istoric
cmd-choice-admin = configurare
cmd-choice-csv = CSV
cmd-choice-json = JSON
cmd-choice-jsonl = JSON Lines
