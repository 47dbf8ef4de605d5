# Ce spune botul, în română. Sintaxa: https://projectfluent.org
#
# Fiecare text are o linie în src/i18n/keys.rs și o pereche cu aceleași variabile în en.ftl, în afară
# de cele ale comenzilor (cmd-…). Testele le compară. Numerele își primesc singure separatorii.
# Formele de plural sunt trei: 1 punct [one], 2 puncte [few], 20 de puncte [other].
# Se scriu ș și ț cu virgulă dedesubt, nu cu sedilă. Un rând dintr-un tabel se numește peste tot
# înregistrare.

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
characters-count = { $count ->
        [one] { $count } caracter
        [few] { $count } caractere
       *[other] { $count } de caractere
    }

## Butoane: textele sunt fixe, oamenii și testele le cunosc

button-confirm = Confirmă
button-cancel = Renunță
button-undo = Desfă
button-restore-mine = Restaurează varianta mea
button-link = Leagă
button-meant = Te gândeai la { $name }?
button-other = Alt număr…
button-take = Scade
button-give = Adaugă
button-search = Caută…
button-all = Arată tot
button-clear = Nu alege pe nimeni
button-export = Exportă
button-next = Înainte
button-browse = Răsfoiește
button-back = Înapoi
button-apply-ranks = Aplică gradele
button-setup = Configurează
button-setup-skip = Sari peste
button-setup-done = Încheie
button-setup-other-zone = Altul…
button-setup-again = Încearcă din nou

## Liste

more-lines = … și încă { $count ->
        [one] un rând
        [few] { $count } rânduri
       *[other] { $count } de rânduri
    }
more-names = {" "}și încă { $count }
nobody = nimeni

## Numele câmpurilor

field-name = nume
field-rank = grad
field-points = puncte
field-member = membru
field-category = categorie
field-floor = minim
field-quantity = cantitate
field-private = privat
field-title = titlu
field-promote-at = avansează la
field-demote-below = retrogradează sub
field-role = rol
field-user = persoană
field-platform = platformă
field-label = etichetă
field-ended = încheiere
field-kind = tip
field-pattern = model
field-language = limbă
field-timezone = fus orar
field-log-channel = canal de jurnal
field-layout = aspect
field-exempt = scutit
field-promotions = avansări
field-every = cât de des
field-day = zi
field-time = oră
field-channel = canal
field-warning = ore de avertizare
field-paused = în pauză
field-closed = închidere
field-proposed = grade propuse

## Valori

value-none = —
value-yes = da
value-no = nu
value-automatic = automat
value-proposed = doar propuse
value-week = în fiecare săptămână
value-month = în fiecare lună
value-ranks = { $count ->
        [one] { $count } grad
        [few] { $count } grade
       *[other] { $count } de grade
    }
kind-text = text
kind-number = număr
kind-date = dată
layout-phone = pentru telefon
layout-wide = pentru ecrane late
language-name = română
subject-guild = Setări
platform-desktop = aplicația de pe calculator
platform-mobile = aplicația de pe telefon
platform-web = browser
platform-unknown = platformă necunoscută
ended-logout = încheiată de utilizator
ended-moderator = încheiată de un moderator
ended-idle = încheiată după prea mult timp fără activitate
ended-lifetime = încheiată fiindcă era deschisă de prea mult timp
ended-undo = încheiată prin desfacerea deschiderii ei

## Răspunsuri la modificări

receipt-points-add = { $count ->
        [one] Am adăugat { $points } la o înregistrare din { $table }
        [few] Am adăugat câte { $points } la { $count } înregistrări din { $table }
       *[other] Am adăugat câte { $points } la { $count } de înregistrări din { $table }
    }
receipt-points-add-total = Am adăugat în total { $points } la { $entries } din { $table }
receipt-points-remove = { $count ->
        [one] Am scăzut { $points } de la o înregistrare din { $table }
        [few] Am scăzut câte { $points } de la { $count } înregistrări din { $table }
       *[other] Am scăzut câte { $points } de la { $count } de înregistrări din { $table }
    }
receipt-points-remove-total = Am scăzut în total { $points } de la { $entries } din { $table }
receipt-entry-add = { $count ->
        [one] Am adăugat o înregistrare în { $table }
        [few] Am adăugat { $count } înregistrări în { $table }
       *[other] Am adăugat { $count } de înregistrări în { $table }
    }
receipt-entry-set = Modificare în { $table }
receipt-entry-delete = { $count ->
        [one] Am șters o înregistrare din { $table }
        [few] Am șters { $count } înregistrări din { $table }
       *[other] Am șters { $count } de înregistrări din { $table }
    }
receipt-entry-merge = Am mutat o înregistrare nouă în cea la care te gândeai, în { $table }
receipt-table-create = Am creat tabelul { $table }
receipt-table-edit = Am modificat tabelul { $table }
receipt-table-delete = Am șters tabelul { $table }, cu tot ce era în el
receipt-table-restore = Am readus tabelul { $table }, cu tot ce era în el
receipt-field-add = Câmp nou în { $table }
receipt-field-edit = Am modificat un câmp din { $table }
receipt-field-remove = Am scos un câmp din { $table }; desfacerea îl readuce cu valorile lui
receipt-rank-set = Modificare în gradele din { $table }
receipt-rank-remove = Am scos un grad din { $table }
receipt-activity-set = Modificare în activitățile din { $table }
receipt-activity-remove = Am scos o activitate din { $table }
receipt-rank-apply = Am aplicat gradele propuse în { $table }
receipt-period-close = Am închis o perioadă din { $table }
receipt-period-schedule = Am modificat programul din { $table }
receipt-board-post = Avizierul tabelului { $table }
receipt-board-remove = Am scos aviziere ale tabelului { $table }
receipt-settings-set = Am modificat setările
receipt-access-grant = Am acordat un drept
receipt-access-grant-in = Am acordat un drept în { $table }
receipt-access-revoke = Am retras un drept
receipt-access-revoke-in = Am retras un drept în { $table }
receipt-in-settings = setări
receipt-event-undo = Am desfăcut evenimentul #{ $event } din { $table }
receipt-session-open = Sesiune deschisă
receipt-session-close = { $count ->
        [one] Sesiune încheiată
        [few] { $count } sesiuni încheiate
       *[other] { $count } de sesiuni încheiate
    }
receipt-session-rename = Sesiune redenumită
receipt-session-unchanged = Sesiunea are deja această etichetă
receipt-superseded = Nu s-a schimbat nimic în { $table }: există o modificare mai nouă
receipt-unchanged = Nu s-a schimbat nimic în { $table }
receipt-undo-unchanged = Evenimentul #{ $event } din { $table } este desfăcut, dar nu a fost nimic de schimbat
receipt-no-change = Totul este deja cum ai cerut.
line-points = **{ $name }**{ $state ->
        [new] {" "}(înregistrare nouă)
        [deleted] {" "}(înregistrare ștearsă)
        [restored] {" "}(înregistrare readusă)
       *[same] {""}
    }: { $before } → { $after } ({ $delta })
line-points-floored = **{ $name }**: { $before } → { $after } ({ $delta } în loc de { $requested }: s-a atins minimul tabelului)
line-points-capped = **{ $name }**: { $before } → { $after } ({ $delta } în loc de { $requested }: s-a atins maximul posibil)
line-points-unchanged = **{ $name }**: rămâne la { $points }
line-points-at-floor = **{ $name }**: rămâne la { $points }; minimul tabelului era deja atins
line-points-at-cap = **{ $name }**: rămâne la { $points }; maximul posibil era deja atins
line-field = **{ $name }**, { $field }: { $before } → { $after }
line-unchanged = **{ $name }**, { $field }: era deja { $value }
line-created = { $what ->
        [table] Tabel nou
        [rank] Grad nou
        [period] Perioadă închisă
        [board] Avizier nou
        [activity] Activitate nouă
        [field] Câmp nou
        [session] Sesiune nouă
       *[entry] Înregistrare nouă
    }: **{ $name }**
line-deleted = { $what ->
        [table] Tabel șters
        [rank] Grad șters
        [period] Perioadă redeschisă
        [board] Avizier scos
        [activity] Activitate scoasă
        [field] Câmp scos
        [session] Sesiune ștearsă
       *[entry] Înregistrare ștearsă
    }: **{ $name }**
line-granted = **{ $name }**: acordat `{ $right }`
line-revoked = **{ $name }**: retras `{ $right }`
line-grant-scope = **{ $name }**, unde: { $scope }
line-restored = { $what ->
        [table] Tabel readus
        [rank] Grad readus
        [period] Perioadă închisă din nou
        [board] Avizier readus
        [activity] Activitate readusă
        [field] Câmp readus
        [session] Sesiune readusă
       *[entry] Înregistrare readusă
    }: **{ $name }**
line-session-ended = **{ $name }**: { $how }
line-superseded = **{ $name }**, { $field }: rămâne { $value }; există o modificare mai nouă
line-too-late = **{ $name }**, { $field }: { $wanted } a venit prea târziu; o modificare mai nouă are { $value }
note-ranks-left = { $count ->
        [one] ⚠️ Gradul aplicat din această închidere rămâne: { $names }.
        [few] ⚠️ Gradele aplicate din această închidere rămân ({ $count }): { $names }.
       *[other] ⚠️ Gradele aplicate din această închidere rămân ({ $count }): { $names }.
    } Ca să le retragi și pe ele, desfă evenimentul #{ $event }.
note-repeated = Scrise de mai multe ori, luate în calcul o singură dată: { $names }
note-reason = Motiv: { $reason }
note-overwrote = ⚠️ A înlocuit ce scrisese alt dispozitiv la { $field } și acesta nu văzuse: { $value } (evenimentul #{ $event })
note-missed = { $count ->
        [one] Între timp s-a făcut o modificare de pe alt dispozitiv: `/punctaj noutăți`
        [few] Între timp s-au făcut { $count } modificări de pe alte dispozitive: `/punctaj noutăți`
       *[other] Între timp s-au făcut { $count } de modificări de pe alte dispozitive: `/punctaj noutăți`
    }
note-missed-many = Între timp s-au făcut peste { $count } de modificări de pe alte dispozitive: `/punctaj noutăți`
footer-event = #{ $event }
footer-session = #{ $event } · sesiunea { $session }
footer-inferred = #{ $event } · sesiunea { $session }, dedusă

## Oferta de legare

offer-link = { $count ->
        [one] Un membru menționat nu este legat de nicio înregistrare din { $table }, dar există una cu numele lui.
        [few] { $count } membri menționați nu sunt legați de nicio înregistrare din { $table }, dar există înregistrări cu numele lor.
       *[other] { $count } de membri menționați nu sunt legați de nicio înregistrare din { $table }, dar există înregistrări cu numele lor.
    } Deocamdată nu s-a modificat nimic: Leagă face legăturile de mai jos și dă punctele tuturor celor numiți, Renunță lasă totul cum este.
offer-line = - { $member } și **{ $name }**

## Desfacere

undo-preview-title = Desfaci evenimentul #{ $event }?
undo-preview-event = **`{ $action }`** de { $who }, { $when }
undo-preview = Deocamdată nu s-a modificat nimic. Desfacerea ar face asta:
undo-asks = Desfaci totuși evenimentul #{ $event }?
undo-question = Între timp s-au făcut și alte modificări. Deocamdată nu s-a modificat nimic: Confirmă îl desface totuși, Renunță lasă totul cum este.
undo-by = {" "}(de { $who }, { $when }, #{ $event })
undo-changed = **{ $name }**, { $field }: valoarea scrisă de acest eveniment s-a schimbat între timp, acum este { $now }{ $by }; după desfacere: { $back }
undo-gone = **{ $name }** nu mai există{ $by }; desfacerea nu schimbă asta
undo-gone-back = **{ $name }**, { $field }: nu mai există{ $by }; după desfacere: { $back }
undo-name-taken = Numele **{ $name }** este acum al altei înregistrări{ $by }; desfacerea pune în loc numele { $back }
undo-member-taken = { $now } este legat acum de înregistrarea **{ $name }**{ $by }; desfacerea nu îl mai leagă
undo-in-use = La **{ $name }** s-a lucrat între timp{ $by }; după desfacere nu mai există
undo-in-use-points = La **{ $name }** s-a lucrat între timp{ $by }, acum are { $points }; după desfacere nu mai există
undo-rank-gone = **{ $name }** avea gradul { $now }, care nu mai există{ $by }; după desfacere rămâne fără grad
undo-rank-held = **{ $name }** are acum gradul { $now }{ $by }; după desfacere, gradul nu mai există
undo-field-used = **{ $name }** are acum o valoare la { $field }{ $by }; după desfacere, câmpul și valorile lui nu se mai văd
undo-granted-anew = `{ $right }` a fost retras între timp și acordat din nou pentru { $who }{ $by }; după desfacere nu mai este acordat
undo-closed-since = Perioada { $period } din **{ $name }** a fost închisă între timp{ $by }, cu punctele de atunci; desfacerea schimbă în loc punctele perioadei deschise
undo-closed-anew = Perioada { $period } din **{ $name }** a fost închisă din nou între timp{ $by }; după desfacere, ce propune acea închidere rămâne cum este
nothing-changed = Nu s-a modificat nimic.

## Tabele

table-heading = **{ $table }** — { $entries }, { $points }
table-heading-then = **{ $table }**, așa cum era pe { $at } — { $entries }, { $points }
table-heading-period = **{ $table }**, perioada { $period }, închisă pe { $at } — { $entries }, { $points }
table-known = ⚠️ Baza de date nu răspunde: aceasta este ultima stare cunoscută și poate fi depășită.
table-ahead = Momentul acela nu a venit încă: acesta este tabelul de acum.
table-moved-since = Acum se numește { $now }.
table-deleted-since = Între timp a fost șters.
table-page = Pagina { $page } din { $pages }
table-empty = Nu are încă nicio înregistrare. Adaug-o pe prima cu `/punctaj adaugă`.
table-empty-then = Nu avea atunci nicio înregistrare.
table-cut = { $count ->
        [one] Un rând al acestei pagini este prea lung ca să încapă aici; îl găsești cu `/punctaj-admin date export`.
        [few] { $count } rânduri ale acestei pagini sunt prea lungi ca să încapă aici; le găsești cu `/punctaj-admin date export`.
       *[other] { $count } de rânduri ale acestei pagini sunt prea lungi ca să încapă aici; le găsești cu `/punctaj-admin date export`.
    }
column-name = Nume
column-rank = Grad
column-points = Puncte
choose-table = La care tabel te referi? Alege-l din meniu sau scrie-l în opțiunea `tabel`.
choose-table-menu = Alege un tabel
tables-title = { $count ->
        [one] Un tabel
        [few] { $count } tabele
       *[other] { $count } de tabele
    }
tables-none = Nu există încă niciun tabel. Creează unul cu `/punctaj-admin tabel creează`.
tables-line = **{ $table }** — { $entries }, { $ranks ->
        [0] fără grade
        [one] un grad
        [few] { $ranks } grade
       *[other] { $ranks } de grade
    }
ranks-title = Gradele din { $table }
ranks-none = { $table } nu are încă grade. Creează unul cu `/punctaj-admin grad setează`.
activities-none = { $table } nu are încă activități. Adaugă una cu `/punctaj-admin activitate setează`.
activities-title = Activitățile din { $table }
activities-line = { $activity } { $quantity } = { $points }
ranks-line = { $rank } · **{ $title }**
ranks-promote = {" "}· avansează la { $points }
ranks-demote = {" "}· retrogradează sub { $points }
boards-title = Avizierele tabelului { $table }
boards-none = { $table } nu are niciun avizier acolo. Pune unul cu `/punctaj-admin avizier pune`.
boards-line = { $channel } · { $layout } · { $link }
boards-line-soon = { $channel } · { $layout } · urmează să fie postat
boards-line-problem = { $channel } · { $layout } · ⚠️ nu poate fi postat: { $problem }. După ce ai rezolvat, pune-l din nou cu `/punctaj-admin avizier pune`.
board-empty = Nu are încă înregistrări.
board-changed = Modificat { $at }
board-table-deleted = Tabelul { $table } a fost șters.
period-preview-title = Închizi perioada { $period } din { $table }?
period-preview = Deocamdată nu s-a modificat nimic. Confirmă păstrează sub acest număr tabelul așa cum este atunci și toți încep din nou, cu { $points }; Renunță lasă totul cum este.
period-preview-next = Programul închide tabelul din nou oricum pe { $at }, { $in }.
period-title = Perioada { $period } din { $table }
period-range = **Din** { $since } **până pe** { $closed }
period-range-first = **Până pe** { $closed }
period-by = **Închisă de:** { $who }
period-schedule = programul automat
period-late = ⚠️ Închisă cu o întârziere de { $late }: trebuia închisă pe { $due }.
period-reopened = Această închidere a fost desfăcută.
period-total = **{ $entries }**, în total { $points }
period-podium = { $medal } **{ $name }** — { $points }
period-nobody = Nimeni nu a câștigat puncte.
period-promoted = { $how ->
        [proposed] **Propuși pentru avansare ({ $count }):**
       *[given] **Avansați ({ $count }):**
    } { $names }
period-demoted = { $how ->
        [proposed] **Propuși pentru retrogradare ({ $count }):**
       *[given] **Retrogradați ({ $count }):**
    } { $names }
period-idle = **Fără niciun punct câștigat ({ $count }):** { $names }
period-pending = Gradele sunt doar propuse. Butonul „Aplică gradele” le dă și le ia.
period-warning = ⏰ **{ $table }** se închide { $when }.
period-warning-names = Sub pragul gradului lor ({ $count }): { $names }
periods-title = Perioadele închise din { $table }
periods-none = { $table } nu are încă nicio perioadă închisă. Închide-o pe cea deschisă cu `/punctaj-admin perioadă închide`.
periods-range = { $since } – { $closed }
periods-range-first = până pe { $closed }
periods-line = **{ $period }** · { $range } · { $entries }, { $points } · { $who } · #{ $event }
periods-late = {" "}· ⚠️ întârziere de { $late }
periods-reopened = {" "}· desfăcută
span-days = { $count ->
        [one] o zi
        [few] { $count } zile
       *[other] { $count } de zile
    }
span-hours = { $count ->
        [one] o oră
        [few] { $count } ore
       *[other] { $count } de ore
    }
span-minutes = { $count ->
        [one] un minut
        [few] { $count } minute
       *[other] { $count } de minute
    }
schedule-title = Programul din { $table }
schedule-none = { $table } nu se închide singur. Stabilește când cu `/punctaj-admin perioadă program`, opțiunea `cât_de_des`.
schedule-week = **Se închide:** în fiecare săptămână, { $day }, la { $time } ({ $zone })
schedule-month = **Se închide:** în fiecare lună, pe { $day } sau în ultima zi, la { $time } ({ $zone })
schedule-next = **Data viitoare:** { $at }, { $in }
schedule-paused = **În pauză:** nu se închide singur până când nu dai din nou `cât_de_des`.
schedule-channel = **Rapoarte:** { $channel }
schedule-no-channel = **Rapoarte:** nicăieri; dă un `canal` sau setează un canal de jurnal.
schedule-warning = **Avertizare:** { $count ->
        [one] cu o oră înainte
        [few] cu { $count } ore înainte
       *[other] cu { $count } de ore înainte
    }
schedule-no-warning = **Avertizare:** niciuna
weekday-1 = luni
weekday-2 = marți
weekday-3 = miercuri
weekday-4 = joi
weekday-5 = vineri
weekday-6 = sâmbătă
weekday-7 = duminică
settings-title = Setările acestui server
settings-line = **{ $field }:** { $value }
settings-log-problem = ⚠️ Botul nu poate scrie în canalul de jurnal. Discord spune: { $problem }. Verifică dacă acel canal există și dacă botul îl poate vedea și poate trimite mesaje în el, apoi setează-l din nou.
setup-welcome = 👋 Bună! Sunt **Punctaj**: țin tabelele de punctaj ale comunității. Punctele se dau printr-o comandă sau dintr-un panou, fiecare schimbare rămâne în istoric și totul se poate desface. Apasă **{ button-setup }** ca să începi; durează cam un minut. O pot face membrii cu permisiunea Gestionează serverul (Manage Server).
setup-welcome-owner = 👋 Bună! Sunt **Punctaj** și am fost adăugat pe serverul tău **{ $guild }**, dar nu am voie să scriu în niciun canal de acolo. Funcționez și așa: scrie `/punctaj-admin setări arată` într-un canal al serverului și apasă **{ button-setup }** sub răspuns.
setup-title = Configurarea Punctaj
setup-saved = Salvat ca evenimentul #{ $event }. `/punctaj desfă` îl anulează.
setup-given = { $who } poate da puncte de acum. Alege cine mai poate sau apasă **{ button-next }**.
setup-line-done = ✅ **{ $step }:** { $value }
setup-line-open = ▫️ **{ $step }:** { $value }
setup-step-language = Limba
setup-step-zone = Fusul orar
setup-step-log = Canalul de jurnal
setup-step-table = Tabele
setup-step-givers = Cine dă puncte
setup-no-table = niciunul încă
setup-managers = membrii cu „Gestionează serverul” (Manage Server)
setup-suggested = propus
setup-ask-language = **În ce limbă să scriu acolo unde citesc toți?** Ție îți răspund în limba Discordului tău.
setup-ask-zone = **În ce fus orar trăiți?** După el se socotesc zilele, orele și sfârșitul săptămânii.
setup-ask-log = **În ce canal să notez fiecare schimbare?** Trebuie să îl pot vedea și să pot trimite mesaje în el. Fără canal nu se pierde nimic: istoricul are tot.
setup-ask-table = **Pentru ce este primul tabel?** Alege cu ce începe, apoi numele. Totul se poate schimba mai târziu.
setup-ask-givers = **Cine mai are voie să dea puncte?** Alege un rol sau un membru, unul după altul dacă sunt mai mulți. Pot crea rânduri și pot adăuga, scădea și seta puncte în toate tabelele.
setup-template = - **{ $name }**: { $has }
setup-template-plain = doar nume și puncte
setup-template-fields = nume și puncte, plus câmpul { $fields }
setup-template-ranks = grade { $ranks }; câmpuri { $fields }
setup-menu-zone = Alege fusul orar
setup-menu-log = Alege un canal
setup-menu-givers = Alege un rol sau un membru
setup-form-zone = Fusul orar
setup-form-zone-name = Regiune/Oraș
setup-form-table = Primul tabel
setup-form-table-name = Numele (sau Categorie/Nume)
setup-name-plain = Punctaj
setup-name-police = Poliție
setup-name-clan = Clan
setup-name-class = Clasă
setup-done = **🎉 Poți începe.** Scrie asta ca să dai primele puncte, cu un nume de-al vostru:
    `/punctaj adaugă nume:Ana puncte:5`
setup-done-more = Ce mai este:
setup-done-no-table = **Nu există încă niciun tabel.** Apasă **{ setup-step-table }** și alege unul: apoi se pot da puncte.
setup-done-unseen = **Nu există încă niciun tabel pe care să-l poți vedea.** Membrii cu permisiunea Gestionează serverul (Manage Server) sau cu dreptul `table.edit` fac unul cu `/punctaj-admin tabel creează`: anunță-i.
setup-done-look = **🎉 Totul este gata.** Punctele le dau cei numiți la **{ setup-step-givers }**. Scrie asta ca să vezi un tabel:
    `/punctaj arată`
access-scope-guild = tot serverul
access-scope-category = toate tabelele categoriei { $category }
access-scope-table = tabelul { $table }
access-scope-table-unknown = un tabel
access-list-title = Drepturile acordate
access-list-line = { $who }: `{ $right }` — { $scope }
access-list-none = Nu este acordat încă nimic aici. Membrii cu permisiunea Gestionează serverul (Manage Server) pot face orice, iar tabelele care nu sunt private le poate vedea oricine.
access-list-always = În plus, membrii cu permisiunea Gestionează serverul (Manage Server) pot face orice, iar tabelele care nu sunt private le poate vedea oricine.
access-explain-title = Drepturi: { $scope }
access-explain-who = **Cine:** { $who }
access-explain-yes = ✅ `{ $right }` — { $why }
access-explain-no = ❌ `{ $right }` — { $why }
access-why-manage-server = are permisiunea Discord Gestionează serverul (Manage Server)
access-why-open = tabelul nu este privat, deci îl poate vedea oricine
access-why-grant = `{ $granted }` acordat pentru { $who }, domeniu: { $scope }
access-why-elsewhere = nu aici; doar pentru { $scope } (`{ $granted }` acordat pentru { $who })
access-why-not = nu i-a fost acordat, nici direct, nici unui rol al său
access-hidden = ⚠️ Setările serverului (Setări server → Integrări) ascund comanda `/{ $command }` pentru { $who }: dreptul singur nu o face vizibilă. Permite comanda acolo.
access-everyone = toată lumea (@everyone)
access-bundle-viewer = vede tabelele
access-bundle-scorer = introduce puncte
access-bundle-manager = ține tabelele: puncte, înregistrări, grade, perioade, aviziere
access-bundle-auditor = urmărește istoricul
access-bundle-admin = orice
log-edit = **#{ $event }** · { $title } · { $who }
log-head = 🔒 Istoricul până la evenimentul **#{ $event }**: `{ $hash }`
log-board = ⚠️ Avizierul tabelului { $table } din { $channel } nu poate fi postat: { $problem }. Verifică dacă există canalul și dacă botul are voie să scrie în el, apoi folosește din nou `/punctaj-admin avizier pune`.
log-role = ⚠️ Botul nu poate da sau lua înapoi rolul { $role }, care ține de un grad. { $why } Punctele nu sunt afectate, iar botul încearcă din nou singur.
notice-overwritten = ⚠️ În { $table }, ce scriseseși la **{ $name }**, câmpul { $field }, a fost înlocuit de { $who }, care nu văzuse: { $lost } → { $now } (evenimentul #{ $event }).
news-title = { $count ->
        [one] O modificare de când ai întrebat ultima dată
        [few] { $count } modificări de când ai întrebat ultima dată
       *[other] { $count } de modificări de când ai întrebat ultima dată
    }
news-none = Nu s-a schimbat nimic de pe alte dispozitive de când ai întrebat ultima dată aici.
news-line = **#{ $event }** { $when } · { $title } · { $who }
news-more = … și încă { $count ->
        [one] o modificare mai nouă
        [few] { $count } modificări mai noi
       *[other] { $count } de modificări mai noi
    }: încă o dată `/punctaj noutăți`
template-police-ranks = Cadet, Agent, Sergent, Locotenent, Căpitan, Comandant
template-police-fields = Insignă, Indicativ
template-clan-ranks = Recrut, Membru, Veteran, Ofițer, Lider
template-clan-fields = Nume în joc
template-class-fields = Grupă

## Profiluri

profile-entries = Înregistrările lui { $name }
profile-own-entries = Înregistrările tale
profile-none = { $name } nu este legat aici de nicio înregistrare. Cineva cu dreptul `entry.edit` poate face legătura: `/punctaj setează`, câmpul `membru`.
profile-own-none = Nu ești legat aici de nicio înregistrare. Cineva cu dreptul `entry.edit` te poate lega: `/punctaj setează`, câmpul `membru`. Fișa oricărei înregistrări: `/punctaj profil`, cu `nume`.
profile-table = **Tabel:** { $table }
profile-points = **Puncte:** { $points }
profile-place = **Loc:** { $place } din { $count }
profile-rank = **Grad:** { $rank }
profile-next = **Gradul următor:** { $rank }, mai lipsesc { $points }
profile-next-reached = **Gradul următor:** { $rank }, sunt destule puncte
profile-next-highest = **Gradul următor:** niciunul, acesta este cel mai înalt
profile-exempt = **Scutit:** nu este retrogradat la închidere
profile-member = **Membru:** { $member }
profile-extra = **{ $field }:** { $value }
profile-recent = **Ultimele modificări**
profile-event = #{ $event } { $when } { $who } · `{ $action }`
profile-entry = **{ $table }** · { $name }
profile-more = { $count ->
        [one] … și încă o înregistrare. Scrie tabelul ei în opțiunea `tabel`.
        [few] … și încă { $count } înregistrări. Scrie un tabel în opțiunea `tabel`.
       *[other] … și încă { $count } de înregistrări. Scrie un tabel în opțiunea `tabel`.
    }

## Panoul pentru mai multe modificări la rând

panel-title = Panou: { $table }
panel-picked = **Aleși ({ $count }):** { $names }
panel-nobody = **Aleși:** încă nimeni. Alege din meniu.
panel-person = { $name } ({ $points })
panel-more = … și încă { $count }
panel-taking = Acum butoanele scad puncte.
panel-search = **Căutare:** „{ $search }”, { $entries }
panel-search-none = Niciun nume de aici nu conține „{ $search }”. Unul nou se adaugă cu `/punctaj adaugă`; și punctele lui intră în totalul de aici.
panel-gone = Șterși între timp, deci nu mai sunt aleși: { $names }
panel-last = **Ultimul pas**, #{ $event }
panel-last-undo = **Ultimul pas**, #{ $event }: a desfăcut #{ $undone }
panel-next-undo = Desfă anulează acum #{ $event }.
panel-totals = **Total**, început { $when }: { $count ->
        [one] un pas
        [few] { $count } pași
       *[other] { $count } de pași
    }, în total { $points }
panel-total = **{ $name }**: { $points }
panel-no-steps = **Total**, început { $when }: încă niciun pas
panel-note-nobody = ⚠️ Nu s-a modificat nimic: nu este ales nimeni. Alege mai întâi din meniu.
panel-note-outdated = ⚠️ Nu s-a modificat nimic: când ai apăsat, erau aleși alții decât arăta acest panou. Acum îi arată pe cei aleși; dacă sunt cei doriți, apasă din nou.
panel-note-many = ⚠️ Se pot alege deodată cel mult { $limit } oameni. Alegerea rămâne cum era.
panel-note-other-worth = ⚠️ Nu s-a modificat nimic: această activitate nu mai există sau valorează acum alte puncte. Butoanele arată ce este valabil acum.
panel-note-undone = ⚠️ Nu s-a modificat nimic: #{ $event } fusese deja desfăcut.
panel-menu = Alege oameni, pagina { $page } din { $pages }
panel-footer = sesiunea { $session }

## Formularul din meniul unui membru

form-give = Puncte pentru { $name }
form-points = Puncte
form-reason = Motiv (poate lipsi)
form-table = Tabel (poate lipsi)
form-table-hint = Cel folosit ultima dată
form-panel-give = Puncte de adăugat celor aleși
form-panel-take = Puncte de scăzut celor aleși
form-search = Caută oameni
form-search-name = O parte din nume
form-search-hint = Lasă gol ca să apară toți
form-typed = Ai scris:
form-typed-line = - { $label }: { $value }

## Sesiuni ale dispozitivelor

sessions-title = Sesiunile tale deschise
session-line = **{ $label }** · `{ $id }` · { $platform } · deschisă { $since } · folosită { $seen }
session-unnamed = fără etichetă
session-current = { $session }
    ↳ cea de acum: { $how }
session-used = De acum lucrezi în această sesiune: { $session }
session-used-elsewhere = Discord arată că ești online pe un singur fel de dispozitiv, altul: { $platform }. Cât timp e așa, comenzile tale sunt socotite ca venind de acolo; butoanele rămân la sesiunea mesajului lor.
session-all-others = toate celelalte
session-choice = { $id }, { $platform }
sessions-desk-title = { $count ->
        [0] Sesiuni deschise
        [one] O sesiune deschisă
        [few] { $count } sesiuni deschise
       *[other] { $count } de sesiuni deschise
    }
sessions-desk-none = Nu este deschisă niciuna.
sessions-desk-right = Pentru a încheia sesiunea altcuiva îți trebuie dreptul `settings.manage`.
sessions-desk-page = Pagina { $page } din { $pages }
sessions-desk-menu = Încheie o sesiune
attribution-exact = exact, după butonul apăsat
attribution-presence = dedusă, după dispozitivul pe care persoana era online
attribution-recent = dedusă, fiind cea folosită ultima
attribution-new = nouă, deschisă chiar atunci

## Istoricul

search-title = Evenimente, de la cel mai nou
search-empty = Niciun eveniment nu se potrivește.
search-line = **#{ $event }** { $when } { $who } · `{ $action }`
search-undone = {" "}· desfăcut de #{ $event }
search-unreadable = **#{ $event }** nu poate fi citit: l-a modificat cineva sau l-a scris o versiune mai nouă a botului.
search-more = {" "}… și încă { $count ->
        [one] o modificare
        [few] { $count } modificări
       *[other] { $count } de modificări
    }
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
event-attribution = **Cum a fost recunoscută sesiunea:** { $value }
event-via = **Pe ce cale:** { $value }
event-at = **Cerut:** { $value }
event-applied-at = **Aplicat:** { $value }
event-reason = **Motiv:** { $value }
event-missing = **Drept lipsă:** { $value }
event-refused = { $count ->
        [one] { $rights }
        [few] { $rights }, în { $count } încercări
       *[other] { $rights }, în { $count } de încercări
    }
event-undoes = **Desface:** { $value }
event-undone-by = **Desfăcut de:** { $value }
event-overwrote = **A suprascris, fără ca autorul să fi văzut:** { $value }
event-no-changes = Fără modificări.
event-hash = amprentă { $hash }
via-direct = direct
via-journal = pus în așteptare cât baza de date nu a răspuns
via-schedule = automat
via-cli = o comandă a administratorului botului
outcome-applied = aplicat
outcome-superseded = fără efect: există o modificare mai nouă
outcome-refused = refuzat: fără drept
export-events = { $count ->
        [one] Un eveniment.
        [few] { $count } evenimente, de la cel mai vechi.
       *[other] { $count } de evenimente, de la cel mai vechi.
    }
export-files = { $count ->
        [one] Într-un fișier.
        [few] În { $count } fișiere.
       *[other] În { $count } de fișiere.
    }
export-unreadable = ⚠ { $count ->
        [one] Un eveniment nu poate fi citit și nu este în niciun fișier: { $events }.
        [few] { $count } evenimente nu pot fi citite și nu sunt în niciun fișier: { $events }.
       *[other] { $count } de evenimente nu pot fi citite și nu sunt în niciun fișier: { $events }.
    } Rulează `/punctaj-audit verifică`.
export-part = Fișierul { $part } din { $parts }: evenimentele de la #{ $first } la #{ $last }.
export-table = { $table }: { $entries }.
verify-ok = Istoricul este în regulă
verify-ok-line = { $count ->
        [0] Încă nu există niciun eveniment.
        [one] Singurul eveniment a fost verificat și corespunde întocmai cu ce este în tabele.
        [few] Toate cele { $count } evenimente au fost verificate și corespund întocmai cu ce este în tabele.
       *[other] Toate cele { $count } de evenimente au fost verificate și corespund întocmai cu ce este în tabele.
    }
verify-problem = Istoricul nu este în regulă
verify-head = Ultimul eveniment: #{ $event }
    `{ $hash }`
verify-compare = Compară cu un capăt scris în canalul de jurnal sau într-un export: `/punctaj-audit arată` arată amprenta întreagă a unui eveniment, iar ea trebuie să fie aceeași ca atunci.
verify-progress = { $count ->
        [one] Se verifică: { $events } din un eveniment …
        [few] Se verifică: { $events } din { $count } evenimente …
       *[other] Se verifică: { $events } din { $count } de evenimente …
    }
verify-before-first = Există un eveniment #{ $event }, deși primul este #1: l-a pus cineva.
verify-missing = Lipsește evenimentul #{ $event }.
verify-unreadable = Evenimentul #{ $event } nu poate fi citit: l-a modificat cineva sau l-a scris o versiune mai nouă a botului.
verify-chain = Amprenta evenimentului #{ $event } nu o continuă pe cea a evenimentului dinaintea lui.
verify-hash = Conținutul evenimentului #{ $event } nu mai corespunde amprentei lui.
verify-before = Evenimentul #{ $event } modifică la **{ $name }** câmpul „{ $field }”, dar valoarea de dinainte nu era cea scrisă în el.
verify-ledger = Registrul de puncte nu conține ce spune evenimentul #{ $event } despre { $name }.
verify-sum = Punctele înregistrării { $name } nu sunt suma din registrul de puncte.
verify-period = Ce s-a păstrat din perioada închisă de evenimentul #{ $event } nu este ce rezultă din evenimente: { $name }.
verify-wrong-head = Ultimul eveniment ar trebui să fie #{ $event }, dar istoricul se termină în altă parte.
verify-state = În tabele, câmpul „{ $field }” { $what ->
        [entry] al înregistrării
        [table] al tabelului
        [rank] al gradului
        [period] al perioadei
        [board] avizierului
        [activity] activității
        [grant] dreptului lui
        [field] al câmpului
        [session] al sesiunii
        [guild] al setărilor
       *[other] din
    } { $name } nu este cel care rezultă din evenimente.
verify-thing = **{ $name }**
verify-thing-in = **{ $name }** din { $table }

## Ce nu este în regulă și ce e de făcut

diagnose-title = Starea botului
diagnose-configuration = Configurare
diagnose-database = Baza de date
diagnose-supabase = Supabase
diagnose-discord = Discord
diagnose-clock = Ceas
diagnose-disk = Disc
diagnose-guild = Acest server
diagnose-short-ok = **{ $family }:** în regulă
diagnose-short-warning = **{ $family }:** funcționează, dar ar putea merge mai bine sau mai sigur
diagnose-short-failed = **{ $family }:** nu funcționează sau nu este în siguranță
diagnose-short-remedy = Spune-i celui care administrează botul: `punctaj diagnose` îi arată despre ce este vorba.
diagnose-said = { $text }
diagnose-unused = Nu a fost verificat, pentru că { $name } nu poate fi folosit
diagnose-unused-remedy = Repară mai întâi configurația.
diagnose-places = Setările au fost găsite în: { $places }
diagnose-places-none = Nu există setări nicăieri: toate au valoarea implicită
diagnose-place-remedy = `punctaj config` arată toate locurile în care s-a căutat.
diagnose-setting = { $name }: { $value } ({ $origin })
diagnose-reached = { $address } răspunde
diagnose-unreached = { $address } nu poate fi accesată: { $words }
diagnose-why-address = Corectează PUNCTAJ_DATABASE_URL: postgres://utilizator:parolă@gazdă:5432/bază, cu caracterele speciale din parolă codificate cu procent.
diagnose-why-refused = Acolo nu ascultă nimeni: verifică gazda și portul din PUNCTAJ_DATABASE_URL și pornește serverul bazei de date.
diagnose-why-host = Gazda nu are adresă: verifică numele ei din PUNCTAJ_DATABASE_URL. Gazda directă de la Supabase are doar IPv6; fără IPv6 folosește session pooler (portul 5432).
diagnose-why-silent = Nu răspunde nimeni: verifică gazda din PUNCTAJ_DATABASE_URL și firewallurile de pe drum și dacă proiectul Supabase a fost pus în pauză.
diagnose-why-tls = Verifică sslmode și sslrootcert din PUNCTAJ_DATABASE_URL; docs/supabase.md spune de unde se ia certificatul.
diagnose-why-password = Corectează utilizatorul și parola din PUNCTAJ_DATABASE_URL; caracterele speciale se codifică cu procent (`@` este `%40`).
diagnose-why-database = Corectează numele bazei de la sfârșitul lui PUNCTAJ_DATABASE_URL sau creează acea bază.
diagnose-why-full = Închide conexiunile altor programe sau permite mai multe; PUNCTAJ_DATABASE_POOL stabilește câte ia botul.
diagnose-why-starting = Așteaptă până pornește serverul.
diagnose-why-other = Vezi ce spune serverul și jurnalul lui.
diagnose-version = PostgreSQL { $version }
diagnose-version-remedy = Folosește PostgreSQL { $oldest } sau mai nou.
diagnose-tls-local = Conexiunea nu iese din această mașină
diagnose-tls-verified = Conexiunea este criptată, iar certificatul serverului este verificat
diagnose-tls-unverified = Conexiunea este criptată, dar certificatul serverului nu este verificat
diagnose-tls-none = Conexiunea nu este criptată: parola și toate datele pot fi citite pe drum
diagnose-tls-remedy = Adaugă sslmode=verify-full și sslrootcert=… în PUNCTAJ_DATABASE_URL; vezi docs/supabase.md.
diagnose-writable = Baza de date acceptă modificări
diagnose-read-only = Baza de date nu acceptă modificări: este o replică sau doar pentru citire
diagnose-read-only-remedy = Conectează-te la serverul principal. Supabase trece un proiect pe doar citire când i se umple discul.
diagnose-session = Fiecare conexiune își păstrează sesiunea
diagnose-pooled = Un pooler dă fiecare tranzacție altei conexiuni, așa că interogările pot primi pe tăcute rezultatele altora
diagnose-pooled-remedy = Conectează-te direct sau la un pooler în modul session (Supabase: portul 5432, PgBouncer: pool_mode = session).
diagnose-schema = Schema este la zi
diagnose-schema-missing = Schema nu există încă
diagnose-schema-pending = Migrări neaplicate: { $names }
diagnose-migrate = Rulează `punctaj migrate` sau pornește botul: el aplică ce lipsește.
diagnose-schema-newer = O versiune mai nouă a programului a făcut modificări: { $names }
diagnose-schema-newer-remedy = Este în regulă în timpul unei actualizări și după revenirea la versiunea anterioară. Altfel folosește programul mai nou.
diagnose-schema-broken = Unele migrări nu sunt ca în acest program sau au eșuat la jumătate: { $names }
diagnose-schema-broken-remedy = Folosește programul care a creat schema sau restaurează o copie de siguranță; `punctaj migrate` refuză să continue.
diagnose-schema-closed = Schema nu poate fi citită: { $words }
diagnose-schema-closed-remedy = Conectează-te ca utilizatorul care deține schema `punctaj`.
diagnose-role = Botul poate lucra sub rolul punctaj_app
diagnose-role-left = Botul nu poate da sau lua înapoi { $role }
diagnose-roles-late = { $count ->
        [one] Un membru așteaptă de câteva minute rolul gradului său
        [few] { $count } membri așteaptă de câteva minute rolurile gradelor lor
       *[other] { $count } de membri așteaptă de câteva minute rolurile gradelor lor
    }
diagnose-roles-late-remedy = Repară ce se spune aici despre roluri, dacă se spune ceva. Botul încearcă în continuare; punctele nu așteaptă după asta.
diagnose-roles-given-up = { $count ->
        [one] Botul a renunțat să dea unui membru rolul gradului său
        [few] Botul a renunțat să dea la { $count } membri rolurile gradelor lor
       *[other] Botul a renunțat să dea la { $count } de membri rolurile gradelor lor
    }
diagnose-roles-given-up-remedy = Repară ce se spune aici despre roluri. Botul încearcă din nou când un rol este schimbat pe Discord sau ales din nou cu `/punctaj-admin grad setează`.
diagnose-roles-unlinked = { $count ->
        [one] O înregistrare are un grad cu rol, dar nu este legată de niciun membru, așa că nu îl primește nimeni (`/punctaj setează`, câmpul `membru`)
        [few] { $count } înregistrări au grade cu roluri, dar nu sunt legate de membri, așa că nu le primește nimeni (`/punctaj setează`, câmpul `membru`)
       *[other] { $count } de înregistrări au grade cu roluri, dar nu sunt legate de membri, așa că nu le primește nimeni (`/punctaj setează`, câmpul `membru`)
    }
diagnose-unseen = { $count ->
        [one] Despre un tabel privat pe care nu îl poți vedea nu se spune nimic aici
        [few] Despre { $count } tabele private pe care nu le poți vedea nu se spune nimic aici
       *[other] Despre { $count } de tabele private pe care nu le poți vedea nu se spune nimic aici
    }
diagnose-role-closed = Botul nu poate lua rolul punctaj_app
diagnose-role-remedy = Ca proprietar al schemei: `create role punctaj_app nologin` dacă lipsește, apoi `grant punctaj_app to` utilizatorul din PUNCTAJ_DATABASE_URL.
diagnose-rights = punctaj_app are drepturile de care are nevoie și niciunul în plus
diagnose-rights-lacking = Lui punctaj_app îi lipsesc drepturi: { $names }
diagnose-rights-lacking-remedy = Acordă-i-le din nou lui punctaj_app, ca proprietar al schemei.
diagnose-rights-surplus = punctaj_app are drepturi pe care nu ar trebui să le aibă: { $names }
diagnose-rights-surplus-remedy = Retrage-i-le lui punctaj_app.
diagnose-rows = Securitatea la nivel de rând este activă pentru fiecare tabel
diagnose-rows-open = Tabele fără securitate la nivel de rând sau cu o politică pentru alții decât punctaj_app: { $names }
diagnose-rows-closed = Nicio politică nu lasă punctaj_app să lucreze cu rândurile: { $names }
diagnose-rows-remedy = `alter table punctaj.… enable row level security` și șterge politicile care nu sunt ale programului.
diagnose-rows-closed-remedy = Fă din nou aceste politici, ca în migrările programului.
diagnose-unexposed = Nici publicul, nici anon, authenticated sau service_role nu au vreun drept
diagnose-exposed = Alții au drepturi pe care nu ar trebui să le aibă: { $names }
diagnose-exposed-remedy = Retrage-le; docs/supabase.md are comenzile (Who may do what).
diagnose-guarded = Istoricul este protejat de modificări
diagnose-unguarded = Declanșatoarele care protejează istoricul lipsesc sau sunt oprite: { $names }
diagnose-unguarded-remedy = Activează-le (`alter table punctaj.… enable trigger …`) și rulează `punctaj verify`.
diagnose-triggers = Avizierele, jurnalul și rolurile gradelor află de modificări
diagnose-triggers-missing = Declanșatoarele care anunță avizierele, jurnalul și rolurile gradelor lipsesc sau sunt oprite: { $names }
diagnose-triggers-remedy = Activează-le (`alter table punctaj.… enable trigger …`); dacă lipsesc, restaurează baza de date dintr-o copie de rezervă.
diagnose-notify = Notificările ajung
diagnose-notify-lost = O notificare nu a ajuns: avizierele și canalul de jurnal urmează cu câteva secunde întârziere
diagnose-notify-remedy = Conectează-te direct sau la un pooler în modul session.
diagnose-notify-untried = Notificările n-au putut fi încercate: { $words }
diagnose-notify-untried-remedy = Eliberează câteva conexiuni sau conectează-te la serverul principal, nu la o replică.
diagnose-room = Serverul are { $count ->
        [one] o conexiune
        [few] { $count } conexiuni
       *[other] { $count } de conexiuni
    } pentru boți; un bot ia până la { $need }
diagnose-room-remedy = Micșorează PUNCTAJ_DATABASE_POOL, închide conexiunile altor programe sau permite mai multe.
diagnose-programs = Programele PostgreSQL { $version } sunt în { $folder }
diagnose-programs-none = Pe această mașină nu există PostgreSQL: prima pornire îl descarcă
diagnose-programs-remedy = Instalează PostgreSQL 15 sau mai nou (sunt necesare doar programele) sau setează PUNCTAJ_DATABASE_URL.
diagnose-embedded-runs = PostgreSQL-ul încorporat din { $folder } rulează
diagnose-embedded-rests = PostgreSQL-ul încorporat din { $folder } nu rulează; îl pornește botul
diagnose-embedded-none = PostgreSQL-ul încorporat nu există încă; prima pornire îl creează în { $folder }
diagnose-embedded-remedy = Setează PUNCTAJ_DATA_DIR la un dosar la care acest utilizator poate ajunge, de exemplu /var/lib/punctaj, sau pornește botul cu alt utilizator decât root.
diagnose-supabase-off = API-ul Supabase nu este configurat și nu este folosit
diagnose-rest = API-ul REST acceptă cheia
diagnose-key-refused = Supabase refuză cheia
diagnose-key-remedy = Pune în SUPABASE_SERVICE_KEY cheia secretă a proiectului (panou, Project Settings, API Keys) și în SUPABASE_URL adresa aceluiași proiect.
diagnose-no-supabase = API-ul Supabase nu poate fi accesat: { $words }
diagnose-no-supabase-remedy = Verifică SUPABASE_URL (https://PROIECT.supabase.co) și dacă proiectul este în pauză.
diagnose-supabase-status = API-ul Supabase răspunde cu starea { $status }
diagnose-rest-unexposed = API-ul REST nu arată schema punctaj
diagnose-rest-listed = API-ul REST listează schema punctaj; deocamdată o mai apără drepturile
diagnose-rest-exposed = API-ul REST arată tabelele schemei punctaj
diagnose-rest-exposed-remedy = Scoate punctaj din schemele expuse (panou, Project Settings, Data API) și vezi docs/supabase.md.
diagnose-storage = Storage răspunde
diagnose-storage-none = Acolo nu există Storage
diagnose-storage-remedy = Verifică SUPABASE_URL. Restul funcționează și fără Storage.
diagnose-no-token = DISCORD_TOKEN nu este setat
diagnose-no-token-remedy = Pune acolo tokenul botului (portalul pentru dezvoltatori Discord, Bot, Reset Token).
diagnose-token = Discord cunoaște tokenul: botul este { $name }
diagnose-token-refused = Discord nu cunoaște tokenul
diagnose-no-discord = Discord nu poate fi accesat: { $words }
diagnose-no-discord-remedy = Verifică rețeaua, DNS-ul și proxyul acestei mașini și https://discordstatus.com.
diagnose-discord-status = Discord răspunde cu starea { $status }
diagnose-discord-status-remedy = Încearcă mai târziu; https://discordstatus.com anunță întreruperile.
diagnose-discord-limited = Discord limitează cât de des este întrebat și nu a răspuns la asta
diagnose-discord-limited-remedy = Așteaptă un minut și verifică din nou. Dacă rămâne așa, ceva întreabă Discord prea des de la această adresă.
diagnose-presence = Discord poate spune unde sunt conectați oamenii
diagnose-presence-off = Discord nu este întrebat unde sunt conectați oamenii (PUNCTAJ_PRESENCE=off)
diagnose-presence-refused = Discord nu spune unde sunt conectați oamenii, așa că dispozitivele nu sunt recunoscute după asta
diagnose-presence-remedy = Activează Presence Intent (portalul pentru dezvoltatori Discord, Bot) și repornește botul sau setează PUNCTAJ_PRESENCE=off.
diagnose-gateway = Conectări ale botului rămase azi: { $remaining } din { $total }
diagnose-gateway-remedy = Află de ce repornește botul atât de des; Discord resetează tokenul care le consumă pe toate.
diagnose-shards = PUNCTAJ_SHARDS face în total { $count ->
        [one] un shard
        [few] { $count } sharduri
       *[other] { $count } de sharduri
    }, Discord recomandă { $recommended }
diagnose-shards-remedy = Mărește totalul din PUNCTAJ_SHARDS în toate procesele sau setează-l la `auto`.
diagnose-commands = Comenzile sunt înregistrate
diagnose-commands-other = Comenzile înregistrate nu sunt cele ale acestui program: { $names }
diagnose-commands-remedy = Pornește botul: își înregistrează comenzile. Oamenii trebuie uneori să repornească aplicația Discord ca să le vadă.
diagnose-clock-ok = Ceasul acestei mașini se potrivește cu cel de la: { $whose }
diagnose-clock-off = Ceasul acestei mașini este cu { $count ->
        [one] o secundă
        [few] { $count } secunde
       *[other] { $count } de secunde
    } { $side ->
        [ahead] înaintea
       *[behind] în urma
    } celui de la: { $whose }
diagnose-clock-remedy = Lasă sistemul să-și potrivească ceasul (`timedatectl set-ntp true`). Ordinea modificărilor nu depinde de el.
diagnose-folder = Dosarul de date este { $folder }
diagnose-folder-none = Dosarul de date { $folder } nu există încă; îl creează prima pornire
diagnose-folder-unusable = Dosarul de date { $folder } nu poate fi folosit: { $words }
diagnose-folder-remedy = Pune în PUNCTAJ_DATA_DIR un dosar de pe un disc cu loc, în care utilizatorul botului poate scrie.
diagnose-private = Doar utilizatorul lui poate vedea în dosarul de date
diagnose-public = Și alții pot vedea în dosarul de date (mod { $mode })
diagnose-public-remedy = `chmod 700 { $folder }`
diagnose-free = Pe disc sunt liberi { $megabytes } MB
diagnose-free-remedy = Fă loc sau mută dosarul de date pe un disc mai mare (PUNCTAJ_DATA_DIR).
diagnose-probed = Discul primește ce se scrie și dă înapoi același lucru
diagnose-probe-failed = Nu se poate păstra nimic în { $folder }: { $words }
diagnose-unkept = Discul nu primește ce se scrie
diagnose-in-use = Dosarul de date este folosit de un bot pornit
diagnose-idle = Dosarul de date nu este folosit de niciun bot și nicio modificare nu așteaptă în jurnal
diagnose-waiting = Dosarul de date nu este folosit de niciun bot și { $count ->
        [one] o modificare așteaptă
        [few] { $count } modificări așteaptă
       *[other] { $count } de modificări așteaptă
    } în jurnal
diagnose-waiting-remedy = Pornește botul cu acest dosar de date, ca să fie făcute.
diagnose-unclosed = Nu se poate spune ce așteaptă în jurnal: { $words }
diagnose-damaged = Fișiere deteriorate au fost puse deoparte: { $names }
diagnose-damaged-remedy = Verifică discul. În acele fișiere pot fi modificări care nu există altundeva: păstrează-le până îi întrebi pe autori.
diagnose-boards = { $count ->
        [one] Un avizier este la zi
        [few] { $count } aviziere sunt la zi
       *[other] { $count } de aviziere sunt la zi
    }
diagnose-board-channel = Avizierul tabelului **{ $table }** nu mai are canal
diagnose-board-channel-remedy = Pune-l în alt canal cu `/punctaj-admin avizier pune`: acela îi ia locul. Fără canal, `/punctaj-admin avizier scoate` scoate toate avizierele tabelului.
diagnose-board-rights = Avizierul tabelului **{ $table }** din { $channel } nu poate fi arătat: botului îi lipsește acolo { $names }
diagnose-channel-remedy = Permite asta rolului botului, în permisiunile canalului.
diagnose-board-problem = Avizierul tabelului **{ $table }** din { $channel } nu poate fi postat. Discord spune: { $problem }
diagnose-board-problem-remedy = După ce ai rezolvat, pune-l din nou cu `/punctaj-admin avizier pune`.
diagnose-board-behind = Avizierul tabelului **{ $table }** din { $channel } a rămas în urmă de { $count ->
        [one] un minut
        [few] { $count } minute
       *[other] { $count } de minute
    }
diagnose-schedules = { $count ->
        [one] Un tabel se închide după program, următoarea dată { $at }
        [few] { $count } tabele se închid după program, următorul { $at }
       *[other] { $count } de tabele se închid după program, următorul { $at }
    }
diagnose-schedule-paused = **{ $table }** nu se închide: programul este oprit. `/punctaj-admin perioadă program` cu `cât_de_des` îl pornește din nou.
diagnose-schedule-overdue = **{ $table }** trebuia închis { $at } și este încă deschis
diagnose-schedule-overdue-remedy = Botul încearcă din nou la fiecare câteva secunde. Dacă rămâne așa, anunță pe cine ține botul: jurnalul lui spune de ce. `/punctaj-admin perioadă închide` îl închide manual.
diagnose-schedule-late = **{ $table }** s-a închis mai târziu de { $at }, când trebuia: botul sau baza de date nu era disponibilă
diagnose-schedule-untold = Închiderile după program ale tabelului **{ $table }** nu sunt raportate nicăieri: nici programul, nici serverul nu are un canal pentru asta
diagnose-schedule-channel = Canalul pentru rapoartele despre **{ $table }** nu mai există, așa că ele ajung în canalul de jurnal
diagnose-schedule-channel-remedy = Alege altul cu `/punctaj-admin perioadă program` și `canal`.
diagnose-schedule-rights = Rapoartele despre **{ $table }** nu pot fi publicate în { $channel }: botului îi lipsesc acolo { $names }
diagnose-roles = { $count ->
        [one] Botul poate da singurul rol legat de grade
        [few] Botul poate da { $count } roluri legate de grade
       *[other] Botul poate da { $count } de roluri legate de grade
    }
diagnose-rank-role = Botul nu poate da { $role }, care este legat de: { $names }
diagnose-late-remedy = Poate că Discord merge încet sau limitează botul; el încearcă mai departe. Dacă rămâne așa, spune-i celui care administrează botul.
diagnose-log = Modificările sunt postate în { $channel }
diagnose-log-none = Nu este setat un canal de jurnal, așa că modificările nu sunt postate nicăieri
diagnose-log-channel = Canalul de jurnal nu mai există
diagnose-log-channel-remedy = Setează altul cu `/punctaj-admin setări canal-jurnal`.
diagnose-log-rights = Modificările nu pot fi postate în { $channel }: botului îi lipsește acolo { $names }
diagnose-log-problem = Ultimele modificări nu au putut fi postate în { $channel }. Discord spune: { $problem }
diagnose-notices = Nimic nu așteaptă să fie anunțat
diagnose-notices-late = { $count ->
        [one] Un mesaj așteaptă
        [few] { $count } mesaje așteaptă
       *[other] { $count } de mesaje așteaptă
    } să fie postat, de câteva minute
diagnose-notices-parked = { $count ->
        [one] Un mesaj așteaptă
        [few] { $count } mesaje așteaptă
       *[other] { $count } de mesaje așteaptă
    } următoarea comandă a cuiva, pentru că botul nu îi poate scrie direct
diagnose-guild-presence-remedy = Cel care administrează botul poate activa Presence Intent (portalul pentru dezvoltatori Discord, Bot).
diagnose-hidden = Setări server > Integrări ascunde aceste comenzi de toți cei care nu sunt numiți acolo: { $names }
diagnose-untold = Discord nu spune ce poate face botul aici
diagnose-untold-remedy = Încearcă din nou peste un minut.
diagnose-guild-unread = Ce este setat aici nu poate fi citit cât timp lipsește baza de date
permission-view-channel = *Vezi canalul*
permission-send-messages = *Trimite mesaje*
permission-embed-links = *Inserează linkuri*
permission-read-history = *Citește istoricul mesajelor*

## Ajutor

help-title = Ce poți face aici
help-nothing = Aici nu ai dreptul să faci nimic. Cere ajutorul cuiva cu permisiunea „Gestionează serverul” (Manage Server).
help-more = Ce face fiecare: `/punctaj ajutor` cu `subiect`.
help-everyday = În fiecare zi
help-everyday-text = Mai multe nume se despart prin virgulă; un nume care conține virgulă se scrie între ghilimele. O mențiune înseamnă înregistrarea legată de acel membru; dacă nu are, `adaugă` îi face una. Dacă nu alegi un `tabel`, lucrezi în cel folosit ultima dată. În meniul unui membru (Aplicații), „Punctaj: adaugă puncte” și „Punctaj: profil” fac același lucru fără să scrii. Cu opțiunea `la`, `arată` arată un tabel așa cum era; o dată fără oră înseamnă sfârșitul acelei zile. Pentru multe modificări la rând, `panou` deschide un panou cu butoane.
help-undo = Desfacere
help-undo-text = Răspunsul la orice modificare are un buton Desfă, iar o desfacere se poate desface și ea. Folosită din nou, comanda merge tot mai în urmă.
help-sessions = Dispozitive
help-sessions-text = Discord nu spune de pe ce dispozitiv scrii. Dacă deschizi câte o sesiune pe fiecare dispozitiv, istoricul le deosebește. Un buton ține de sesiunea mesajului său. La o comandă, sesiunea este dedusă: după singurul fel de dispozitiv pe care ești online, dacă Discord arată unul, altfel este cea folosită ultima.
help-presence-refused = ⚠ Discord refuză să-i spună acestui bot unde sunt oamenii online, așa că nu poate deduce dispozitivele după asta. Cine îl administrează poate porni *Presence Intent* în Developer Portal, la Bot, apoi repornește botul.
help-audit = Istoric
help-audit-text = Orice modificare este un eveniment cu număr, pe care nu îl mai poate schimba nimeni; la fel și orice încercare refuzată. Toate filtrele din `caută` se combină, lista lui duce la fiecare eveniment și la desfacerea lui, iar `export` are aceleași filtre.
help-admin = Configurare
help-admin-text = Un tabel se numește `Nume` sau `Categorie/Nume`.

## Ce nu a mers

error-internal = A apărut o eroare internă a botului. Referință: `{ $reference }`
error-outcome-unknown = Legătura cu baza de date s-a întrerupt chiar la salvare și nu știm dacă modificarea ta a fost salvată. Verifică cu `/punctaj arată` înainte să o repeți. Referință: `{ $reference }`
error-unreachable = Baza de date nu răspunde acum. Încearcă din nou peste un minut.
queued = ⏳ În așteptare, modificarea nu este făcută încă: baza de date nu răspunde sau răspunde prea încet. Este păstrată în siguranță și va fi făcută imediat ce baza de date revine; vei afla ce s-a întâmplat cu ea.
queued-done = ✅ Ce ai cerut ({ $at }) s-a făcut acum:
queued-asks = ❔ Ce ai cerut ({ $at }) are nevoie de un răspuns înainte de a fi făcut:
queued-again = Nu s-a făcut nimic. Dă comanda din nou pe server, cu tot ce întreabă.
queued-unreadable = ❌ O modificare de-a ta care aștepta baza de date nu mai poate fi citită, deci nu s-a făcut. Dă comanda din nou; persoana care găzduiește botul găsește ce a rămas din ea în jurnal.
queued-not-done = ❌ Ce ai cerut ({ $at }) nu s-a făcut:
queued-add = • adaugă { $points }: { $names }
queued-activity = • adaugă pentru { $activity } { $quantity }: { $names }
queued-remove = • scade { $points }: { $names }
queued-set = • { $name }: { $field } → { $value }
queued-delete = • șterge: { $names }
queued-undo = • desfă evenimentul #{ $event }
queued-undo-last = • desfă ultima ta modificare
queued-panel-add = • adaugă { $points } tuturor celor aleși pe panou
queued-panel-remove = • scade { $points } tuturor celor aleși pe panou
queued-table = • în { $table }
error-none-known = Baza de date nu răspunde și nu cunosc ultima stare a niciunui tabel pe care ai voie să-l vezi. Încearcă din nou peste câteva minute.
error-not-known = Baza de date nu răspunde. Cunosc ultima stare doar pentru: { $known }. Alege unul dintre ele la `table`.
error-not-kept = Baza de date nu răspunde, iar modificarea nu poate fi păstrată nici aici: discul botului o refuză. Anunță persoana care găzduiește botul și încearcă mai târziu.
error-queue-full = Baza de date nu răspunde, iar coada de așteptare este deja plină. Încearcă din nou după ce își revine.
error-panel-ended = Sesiunea acestui panou s-a încheiat sau panoul este al altcuiva. Deschide un panou nou cu `/punctaj panou`.
error-busy = Baza de date este prea ocupată acum. Încearcă din nou peste câteva secunde.
error-guild-only = Comanda merge doar pe un server. Folosește-o pe un canal al serverului tău.
error-old-button = Butonul sau meniul acesta este de la altă versiune a botului. Folosește din nou comanda ca să primești unul nou.
error-old-command = Discord are comanda aceasta de la altă versiune a botului. Încearcă din nou peste câteva minute sau repornește Discord.
error-option = Una dintre opțiuni nu poate fi citită. Alege din ce oferă Discord sau scrie-o din nou.
error-forbidden = Îți lipsește dreptul `{ $right }`, de care e nevoie aici. Ți-l pot da membrii cu permisiunea Gestionează serverul (Manage Server), cu `/punctaj-admin drepturi acordă`.
error-forbidden-givers = Îți lipsește dreptul `{ $right }`, de care e nevoie aici. Ți-l pot da membrii cu permisiunea Gestionează serverul (Manage Server), cu `/punctaj-admin drepturi acordă`, și la fel { $givers }.
error-already-granted = Chiar acest drept este deja acordat acolo. Vezi ce este acordat cu `/punctaj-admin drepturi listă`.
error-not-granted = `{ $right }` nu a fost acordat acolo, deci nu e nimic de retras. Vezi ce este acordat cu `/punctaj-admin drepturi listă`; un pachet se retrage întreg, iar fiecare domeniu separat.
error-of-guild = Dreptul `{ $right }` privește serverul întreg, așa că într-o categorie sau într-un tabel nu ar însemna nimic. Acordă-l fără `domeniu`.
error-not-held = Nici tu nu ai acolo dreptul `{ $right }`, așa că nu îl poți acorda sau retrage. Cere-i unui membru cu permisiunea Gestionează serverul (Manage Server).
error-own-rights = Nimeni nu își schimbă propriile drepturi și nici pe cele ale unui rol pe care îl are. Cere-i unui membru cu permisiunea Gestionează serverul (Manage Server).
error-ranked-role = Rolul { $role } ține de gradul { $rank } din { $table }: oricine este avansat ar primi acest drept și ar putea schimba drepturile sau setările Punctaj. Acordă-l altui rol sau unor membri, ori pune mai întâi alt rol la acel grad cu `/punctaj-admin grad setează`.
error-left = Tu sau Punctaj nu mai sunteți pe acel server, așa că nu mai ai niciun drept acolo. Cere-i cuiva de acolo să facă modificarea.
error-unknown-scope = Nu există niciun tabel și nicio categorie { $scope }. Dă un tabel, de exemplu `Categorie/Nume`, o categorie întreagă ca `Categorie/*`, sau nimic pentru tot serverul.
error-unknown-right = Nu există dreptul { $right }. Alege un pachet (`viewer`, `scorer`, `manager`, `auditor`, `admin`) sau un cod precum `score.add`.
error-no-tables = Aici nu există încă niciun tabel. Cineva cu permisiunea „Gestionează serverul” (Manage Server) poate crea unul cu `/punctaj-admin tabel creează`.
error-unknown-table = Nu există tabelul { $table }. Vezi ce tabele sunt cu `/punctaj-admin tabel listă`.
error-unknown-table-near = Nu există tabelul { $table }. Te-ai gândit la: { $near }?
error-ambiguous-table = Mai multe tabele se numesc { $table }. Scrie-l cu tot cu categorie: { $tables }.
error-table-exists = Tabelul { $table } există deja. Alege alt nume sau altă categorie.
error-table-gone = Tabelul a fost șters între timp. Vezi ce tabele sunt cu `/punctaj-admin tabel listă`.
error-not-deleted = Niciun tabel șters nu se numește { $table }. Alege unul dintre cele oferite de Discord în timp ce scrii.
error-table-not-yet = Pe { $at } tabelul { $table } nu exista încă. Alege un moment de mai târziu.
error-table-not-yet-since = Pe { $at } tabelul { $table } nu exista încă; există din { $since }. Alege un moment de mai târziu.
error-table-deleted-then = Pe { $at } tabelul { $table } era șters. Alege alt moment.
error-history-broken = Istoricul nu se leagă la evenimentul #{ $event }, așa că nu se poate arăta ce a fost după el. Cere unui moderator să ruleze `/punctaj-audit verifică`.
error-unknown-names = Aceste nume nu sunt în { $table }:
line-unknown-name = - **{ $name }**
line-unknown-name-near = - **{ $name }** — te-ai gândit la: { $near }?
hint-unknown-names = Corectează numele și încearcă din nou; înregistrări noi se creează cu `/punctaj adaugă`.
error-name-taken = În { $table } există deja altă înregistrare cu numele { $name }. Alege alt nume.
error-member-taken = Membrul este deja legat de altă înregistrare din acest tabel, așa că { $name } nu se poate lega de el. Pune mai întâi `-` la câmpul `membru` al acelei înregistrări.
error-member-unlinked = { $member } nu este legat de nicio înregistrare din { $table }. Scrie numele înregistrării sau leag-o cu `/punctaj setează`, câmpul `membru`.
error-member-unlinked-near = { $member } nu este legat de nicio înregistrare din { $table }. Te-ai gândit la: { $near }? Scrie numele înregistrării sau leag-o cu `/punctaj setează`, câmpul `membru`.
error-no-member = { $member } (`{ $id }`) nu este membru al acestui server. Menționează pe cineva care este sau scrie numele înregistrării.
error-member-unknown = Discord nu a spus cine este { $member } (`{ $id }`). Încearcă din nou peste un minut sau scrie numele înregistrării.
error-may-not-link = În { $table } există o înregistrare nelegată cu numele lui { $member }: **{ $name }**. Ca să o legi îți trebuie dreptul `entry.edit`, pe care nu îl ai. Scrie numele înregistrării în locul mențiunii.
error-link-outdated = Nu mai există o înregistrare nelegată cu numele **{ $name }**. Folosește din nou comanda ca să vezi ce se poate lega acum.
error-merge-outdated = Înregistrarea **{ $name }** s-a schimbat sau a fost ștearsă de când există acest buton, așa că punctele rămân unde sunt. Vezi-o cu `/punctaj profil`.
error-unknown-rank = { $table } nu are gradul { $rank }. Vezi gradele cu `/punctaj-admin grad listă`; `-` scoate gradul.
error-below-floor = { $value } este sub { $floor }, minimul acestui tabel. Scrie un număr mai mare.
error-role-missing = Rolul { $role } nu mai există pe acest server. Alege altul cu `/punctaj-admin grad setează`.
error-role-everyones = Toți membrii serverului au oricum acest rol, așa că nu poate ține de un grad. Alege altul.
error-role-managed = Rolul { $role } ține de un bot, de boosturi sau de alt serviciu și numai acela îl dă. Alege alt rol sau fă unul pentru grad.
error-role-too-high = Rolul { $role } nu stă sub cel mai înalt rol al botului, așa că botul nu îl poate nici da, nici lua înapoi. În Setările serverului > Roluri, trage rolul botului deasupra lui.
error-role-may-not = Botului îi lipsește permisiunea de a gestiona roluri (Manage Roles), fără de care nu poate nici da, nici lua înapoi rolul { $role }. În Setările serverului > Roluri, acord-o rolului botului.
error-role-powerful = Rolul { $role } are permisiunea { $permission ->
        [manage-guild] de a gestiona serverul (Manage Server)
        [manage-roles] de a gestiona roluri (Manage Roles)
        [manage-channels] de a gestiona canale (Manage Channels)
        [manage-webhooks] de a gestiona webhookuri (Manage Webhooks)
        [kick-members] de a da afară membri (Kick Members)
        [ban-members] de a interzice membri (Ban Members)
        [moderate-members] de a suspenda temporar membri (Timeout Members)
        [manage-messages] de a gestiona mesaje (Manage Messages)
        [manage-threads] de a gestiona fire de discuție (Manage Threads)
        [manage-expressions] de a gestiona expresii (Manage Expressions)
        [manage-events] de a gestiona evenimente (Manage Events)
        [mention-everyone] de a menționa @everyone (Mention @everyone)
       *[administrator] de administrator (Administrator)
    }, iar botul nu dă roluri cu care cineva ar putea face rău serverului. Alege alt rol sau ia-i acea permisiune.
error-role-rights = Rolului { $role } i s-a acordat un drept de a schimba drepturile sau setările Punctaj, așa că nu poate ține de un grad. Alege alt rol sau ia-i acel drept cu `/punctaj-admin drepturi retrage`.
error-role-above-you = Rolul { $role } nu stă sub cel mai înalt rol al tău și numai proprietarul serverului poate da un astfel de rol. Alege unul mai jos sau cere-i proprietarului.
error-role-refused = Discord refuză ca rolul { $role } să fie dat sau luat înapoi: { $problem }. Verifică permisiunile botului și ordinea rolurilor în Setările serverului > Roluri.
error-roles-unknown = Discord nu a spus ce roluri există, așa că rolul nu a putut fi verificat. Încearcă din nou peste un minut.
error-below-new-floor = { $count ->
        [one] O înregistrare are
        [few] { $count } înregistrări au
       *[other] { $count } de înregistrări au
    } mai puțin de { $floor }. Ridică-le mai întâi sau alege un minim mai mic.
error-unknown-field = Nu există câmpul { $field }. Alege unul dintre: nume, grad, puncte, membru, scutit{ $count ->
        [0] .
       *[other] , { $known }.
    }
error-field-exists = Există deja câmpul { $field }. Alege alt nume.
error-no-board = { $table } nu are un astfel de avizier. Vezi avizierele lui cu `/punctaj-admin avizier listă`.
error-period-moved = Perioada { $period } din { $table } nu mai este cea deschisă; acum este perioada { $open }. Verifică din nou cu `/punctaj-admin perioadă închide`.
error-unknown-period = { $table } nu are perioada închisă { $period }; ultima este { $last }. Vezi-le cu `/punctaj-admin perioadă listă`.
error-no-periods = { $table } nu are încă nicio perioadă închisă. Închide-o pe cea deschisă cu `/punctaj-admin perioadă închide`.
error-not-last-period = Perioada { $period } din { $table } nu poate fi redeschisă sau închisă din nou: de atunci s-au închis sau s-au deschis altele, iar ultima închisă este { $last }. Desfă-le mai întâi pe cele de după.
error-nothing-proposed = Niciun grad din perioada { $period } din { $table } nu mai așteaptă să fie aplicat: au fost aplicate sau închiderea a fost desfăcută. Verifică cu `/punctaj-admin perioadă raport`.
error-no-schedule = { $table } nu are încă program. Dă și `cât_de_des`, ca să spui cât de des se închide.
error-no-such-weekday = O săptămână nu are o astfel de zi. Dă o zi a săptămânii sau numărul ei, de la 1 (luni) la 7.
error-unknown-part = Nu se poate scoate nimic cu acest nume. Alege din ce oferă Discord. Nu s-a modificat nimic.
error-no-such-day = O lună nu are o astfel de zi. Dă un număr de la 1 la 31; într-o lună mai scurtă înseamnă ultima zi.
error-day = Aceasta nu este o zi a săptămânii sau a lunii. Dă o zi a săptămânii sau un număr de la 1 la 31.
error-time = Aceasta nu este o oră. Scrie-o ca 20:00.
error-hours = Avertizarea vine cu 0 până la { $limit } ore înainte; 0 înseamnă niciuna. Dă un astfel de număr.
error-unknown-every = Nu există un astfel de interval. Alege unul oferit de Discord.
error-unknown-promotions = Nu există un astfel de mod. Alege unul oferit de Discord.
error-yes-or-no = Acest câmp este da sau nu. Dă una dintre ele.
error-period-number = Numărul unei perioade este cel puțin 1. Vezi-le cu `/punctaj-admin perioadă listă`.
error-period-and-at = O perioadă închisă și un moment nu pot fi arătate împreună. Dă doar una dintre `perioadă` și `la`.
error-too-many-fields = Un tabel are cel mult { $limit } câmpuri proprii. Scoate mai întâi unul.
error-too-many-activities = Un tabel are cel mult { $limit } de activități. Scoate mai întâi una.
error-activity-exists = Activitatea { $activity } există deja din nou. Scoate-o mai întâi pe aceea.
error-no-activities = { $table } nu are activitatea { $activity } și încă nici alta. Dă punctele cu `puncte` sau adaugă una cu `/punctaj-admin activitate setează`.
error-unknown-activity = { $table } nu are activitatea { $activity }. Are: { $known }.
error-unfit-quantity = Pentru cantitatea { $quantity } la { $activity } nu se dau puncte. Se dau pentru fiecare { $least }, cel mult 1.000.000.000 de puncte odată.
error-quantity = O cantitate este de la 1 la { $limit }. Dă un număr din acest interval.
error-worth-nothing = O activitate valorează cel puțin un punct. Dă un număr de la 1 în sus.
error-points-or-activity = Punctele se dau fie cu `puncte`, fie printr-o `activitate`, nu cu amândouă. Lasă una deoparte.
error-quantity-alone = O `cantitate` are nevoie de o `activitate`. Alege una sau dă `puncte`.
error-value-long = Valoarea pentru { $field } are { $chars }; limita este { $limit }. Scurteaz-o.
error-value-number = { $value } nu se potrivește la { $field }, care este un număr. Scrie cifre, de exemplu 12 sau 12,5, cu cel mult 15 cifre înainte și 6 după virgulă.
error-value-date = { $value } nu se potrivește la { $field }, care este o dată. Scrie-o ca 2026-01-31 sau 31.01.2026.
error-value-pattern = { $value } nu se potrivește la { $field }: trebuie să respecte modelul `{ $pattern }`.
error-pattern = `{ $pattern }` nu este o expresie regulată pe care botul o acceptă. Corecteaz-o, ține-o sub { $limit } de caractere sau scrie `-` pentru niciuna.
error-unknown-kind = Nu există un astfel de tip de câmp. Alege unul dintre cele oferite de Discord.
error-unreadable-event = Evenimentul #{ $event } nu poate fi citit: l-a modificat cineva sau l-a scris o versiune mai nouă a botului. `/punctaj-audit verifică` arată dacă istoricul este intact.
error-unknown-event = Nu există evenimentul #{ $event }. Numărul unui eveniment apare în răspunsul la modificare și în `/punctaj-audit caută`.
error-not-yours = Evenimentul #{ $event } este al altcuiva, iar aici poți desface doar modificările tale. Alege unul dintre evenimentele tale.
error-not-your-value = Valoarea din evenimentul #{ $event } era a altcuiva și doar cine a scris-o o poate pune la loc. Schimbă câmpul cu `/punctaj setează`.
error-restore-gone = **{ $name }** s-a șters între timp, așa că valoarea nu are unde fi pusă la loc. Întâi adu înregistrarea înapoi: caută ștergerea cu `/punctaj-audit caută` și desfă-o.
error-already-undone = Evenimentul #{ $event } a fost deja desfăcut de #{ $by }. Dacă îl vrei înapoi, desfă #{ $by }.
error-not-undoable = Evenimentul #{ $event } nu se poate desface: ține de o sesiune sau nu a avut efect. Alege alt eveniment.
error-nothing-to-undo = Nu ai aici nicio modificare de desfăcut. O desfacere se poate desface și ea, după numărul ei.
error-unknown-session = Nicio sesiune deschisă a ta nu se potrivește cu „{ $session }”. Vezi sesiunile tale cu `/punctaj sesiune listă`.
error-ambiguous-session = Mai multe sesiuni deschise ale tale se potrivesc cu „{ $session }”. Scrie id-ul uneia dintre ele: { $ids }.
error-unknown-device = Nicio sesiune de pe acest server nu se potrivește cu „{ $device }”. Scrie id-ul unui dispozitiv, cel puțin primele 8 caractere, sau eticheta lui.
error-no-session = Nu ai nicio sesiune deschisă pe acest dispozitiv, deci nu este nimic de încheiat. Poți deschide una cu `/punctaj sesiune deschide`.
error-no-other-sessions = Nu ai altă sesiune deschisă în afară de cea de acum. Pe aceasta o închei cu `/punctaj sesiune încheie`, fără opțiuni.
error-session-over = Sesiunea { $session } este deja încheiată. Vezi sesiunile deschise cu `/punctaj-audit sesiuni`.
error-label-missing = Nu ai spus cum să se numească sesiunea. Scrie o etichetă, de exemplu PC Birou.
error-session-missing = Nu ai spus ce sesiune vrei să folosești. Vezi sesiunile tale cu `/punctaj sesiune listă`.
error-draft-gone = Meniul sau căutarea este prea veche ca să continui sau nu este a ta. Folosește din nou comanda.
error-add-negative = `adaugă` nu primește un număr negativ. Ca să scazi puncte, folosește `/punctaj scade` (`/punctaj remove`).
error-remove-negative = `scade` primește un număr pozitiv. Ca să dai puncte, folosește `/punctaj adaugă` (`/punctaj add`).
error-remove-zero = O scădere cu 0 puncte nu schimbă nimic. Scrie cel puțin 1.
error-award-limit = O comandă dă sau ia cel mult { $limit }. Scrie un număr mai mic.
error-panel-points = Panoul primește numere întregi de la 1 în sus; butoanele lui spun dacă punctele se adaugă sau se scad. Scrie un număr, de exemplu 4.
error-not-points = { $given } nu este un număr de puncte. Scrie un număr întreg, doar cu cifre, de exemplu 12 sau -3, între -{ $limit } și { $limit }.
error-not-a-member = { $given } nu este un membru. Menționează un membru sau scrie id-ul lui; `-` scoate legătura.
error-not-a-moment = { $given } nu este un moment. Scrie o dată, de exemplu `2026-11-20` sau `2026-11-20 21:15` (fusul orar al serverului), un marcaj de timp Discord sau o vechime, de exemplu `3h` sau `2d`.
error-reason-long = Motivul are { $chars }; limita este { $limit }. Scurtează-l.
error-label-long = Eticheta are { $chars }; limita este { $limit }. Scurteaz-o.
error-event-number = Numărul unui eveniment este cel puțin 1. Îl găsești în răspunsul la modificare.
error-unknown-action = Nu există acțiunea { $action }. Alege una dintre: { $known }.
error-unknown-only = Nu există un astfel de filtru. Alege din ce oferă Discord.
error-unknown-layout = Nu există un astfel de aspect. Alege din ce oferă Discord.
error-unknown-sort = Nu există o astfel de ordine. Alege din ce oferă Discord.
error-unknown-format = Nu există un astfel de format. Alege din ce oferă Discord.
error-unknown-template = Nu există un astfel de șablon. Alege unul dintre cele oferite de Discord.
error-unknown-language = Nu există o astfel de limbă. Alege una dintre cele oferite de Discord.
error-timezone = Nu există fusul orar { $zone }. Alege unul dintre cele oferite de Discord în timp ce scrii, de exemplu Europe/Bucharest.
error-nothing-given = Nu ai spus ce să se schimbe. Completează cel puțin încă o opțiune.
error-rank-number = Numărul unui grad este între 1 și { $limit }. Scrie un astfel de număr.
error-file-large = Fișierul ar avea { $size } MiB, iar Discord primește aici cel mult { $limit } MiB. Restrânge rezultatul cu filtrele.
error-export-large = Exportul ar avea { $size } MiB. Botul trimite aici cel mult { $files } fișiere de câte { $limit } MiB, așa că nu a trimis nimic. Restrânge rezultatul cu filtrele, de exemplu `de_la` și `până_la`.
error-export-lost = Discord nu a primit fișierul { $part } din { $parts } sau nu a confirmat: exportul nu este complet. Folosește din nou comanda sau restrânge rezultatul cu filtrele.
error-name-empty = Un nume este gol. Scrie cel puțin un caracter vizibil.
error-name-long = Un nume are { $chars }; limita este { $limit }. Scurtează-l.
error-name-character = Un nume conține caracterul { $character }, care este invizibil sau rupe rândul. Scrie numele din nou.
error-category = Categoria: { $problem }
error-extra-slash = Adresa unui tabel are cel mult o bară: `Categorie/Nume`. Scoate-le pe celelalte.
error-slash = Bara desparte categoria de nume. Scrie aici numai unul dintre ele, fără bară.
error-names-empty = În listă nu este niciun nume. Scrie cel puțin unul.
error-names-many = Lista are { $count ->
        [one] un nume
        [few] { $count } nume
       *[other] { $count } de nume
    }; limita unei comenzi este { $limit }. Împarte lista.
error-names-part = { $part } din listă nu poate fi citit. { $problem }
error-quote-open = O pereche de ghilimele nu este închisă. Închide-o sau scoate-o.
error-quote-text = După ghilimelele de închidere trebuie să urmeze o virgulă. Pune una acolo.

## Comenzi: nume, descrieri, opțiuni, alegeri

cmd-punctaj = punctaj
    .description = Puncte: adaugă, scade, setează, arată, desfă
cmd-punctaj-add = adaugă
    .description = Adaugă puncte la una sau mai multe înregistrări; numele noi devin înregistrări
cmd-punctaj-add-points = puncte
    .description = Câte, de la 0 la 1.000.000.000 (0 dacă lipsește)
cmd-punctaj-remove = scade
    .description = Scade puncte, cel mult până la minimul tabelului
cmd-punctaj-remove-points = puncte
    .description = Câte, de la 1 la 1.000.000.000
cmd-punctaj-set = setează
    .description = Schimbă un câmp al unei înregistrări: nume, grad, puncte, membru, scutit
cmd-punctaj-set-name = nume
    .description = Înregistrarea: numele ei sau o mențiune a membrului legat
cmd-punctaj-delete = șterge
    .description = Șterge înregistrări; desfacerea le aduce înapoi cu punctele lor
cmd-punctaj-view = arată
    .description = Arată un tabel, pe pagini
cmd-punctaj-profile = profil
    .description = Fișa unei înregistrări: puncte, loc, grad, ultimele modificări
cmd-punctaj-profile-name = nume
    .description = Numele înregistrării sau o mențiune a membrului; dacă lipsește, înregistrările tale
cmd-punctaj-profile-table = tabel
    .description = Care tabel; dacă lipsește, cel folosit ultima dată, iar la membri toate
cmd-punctaj-panel = panou
    .description = Pentru multe modificări la rând: alegi oameni, apeși +1, +3, +5, repeți
cmd-punctaj-undo = desfă
    .description = Desface ultima ta modificare sau una anume, după numărul ei
cmd-punctaj-undo-event = eveniment
    .description = Numărul evenimentului tău, ca în #12
cmd-punctaj-news = noutăți
    .description = Ce s-a schimbat de pe alte dispozitive de când ai întrebat ultima dată
cmd-punctaj-session = sesiune
    .description = Dispozitivele tale
cmd-punctaj-session-login = deschide
    .description = Deschide o sesiune nouă pentru acest dispozitiv
cmd-punctaj-session-list = listă
    .description = Arată sesiunile tale deschise
cmd-punctaj-session-use = folosește
    .description = Trece la altă sesiune de-a ta
cmd-punctaj-session-rename = redenumește
    .description = Dă o etichetă sesiunii de acum sau alteia de-a ta
cmd-punctaj-session-rename-session = sesiune
    .description = Care dintre sesiunile tale: id-ul sau eticheta; dacă lipsește, cea de acum
cmd-punctaj-session-logout = încheie
    .description = Încheie sesiunea de acum sau alta de-a ta
cmd-punctaj-session-logout-session = sesiune
    .description = Care dintre sesiunile tale: id-ul sau eticheta; dacă lipsește, cea de acum
cmd-punctaj-help = ajutor
    .description = Ce poți face aici
cmd-punctaj-audit = punctaj-audit
    .description = Istoricul tuturor modificărilor
cmd-punctaj-audit-search = caută
    .description = Caută în istoric; toate filtrele se combină
cmd-punctaj-audit-search-table = tabel
    .description = Doar evenimentele acestui tabel; din toate tabelele, dacă lipsește
cmd-punctaj-audit-search-name = nume
    .description = Doar evenimentele despre această înregistrare sau acest tabel
cmd-punctaj-audit-search-device = dispozitiv
    .description = Doar de pe acest dispozitiv: id-ul, primele 8 caractere sau eticheta
cmd-punctaj-audit-show = arată
    .description = Arată un eveniment cu toate detaliile
cmd-punctaj-audit-undo = desfă
    .description = Desface evenimentul oricui, după ce arată ce s-ar schimba
cmd-punctaj-audit-undo-force = forțat
    .description = Și peste ce mai schimbă alții până confirmi
cmd-punctaj-audit-export = export
    .description = Descarcă rezultatul unei căutări ca fișier
cmd-punctaj-audit-export-table = tabel
    .description = Doar evenimentele acestui tabel; din toate tabelele, dacă lipsește
cmd-punctaj-audit-export-name = nume
    .description = Doar evenimentele despre această înregistrare sau acest tabel
cmd-punctaj-audit-export-device = dispozitiv
    .description = Doar de pe acest dispozitiv: id-ul, primele 8 caractere sau eticheta
cmd-punctaj-audit-verify = verifică
    .description = Verifică dacă istoricul este intact și corespunde tabelelor
cmd-punctaj-audit-sessions = sesiuni
    .description = Arată sesiunile deschise ale tuturor; poate încheia una
cmd-punctaj-audit-sessions-who = cine
    .description = Doar ale acestei persoane
cmd-punctaj-admin = punctaj-admin
    .description = Configurarea tabelelor, a gradelor și a datelor
cmd-punctaj-admin-table = tabel
    .description = Tabele
cmd-punctaj-admin-table-create = creează
    .description = Creează un tabel
cmd-punctaj-admin-table-create-table = tabel
    .description = Nume sau Categorie/Nume
cmd-punctaj-admin-table-edit = modifică
    .description = Schimbă numele, categoria, minimul sau vizibilitatea unui tabel
cmd-punctaj-admin-table-edit-table = tabel
    .description = Care tabel
cmd-punctaj-admin-table-edit-name = nume
    .description = Noul nume
cmd-punctaj-admin-table-delete = șterge
    .description = Șterge un tabel cu tot ce e în el; se poate readuce
cmd-punctaj-admin-table-delete-table = tabel
    .description = Care tabel
cmd-punctaj-admin-table-restore = readu
    .description = Readuce un tabel șters
cmd-punctaj-admin-table-restore-table = tabel
    .description = Care tabel șters
cmd-punctaj-admin-table-list = listă
    .description = Arată tabelele
cmd-punctaj-admin-field = câmp
    .description = Câmpurile proprii ale unui tabel
cmd-punctaj-admin-field-add = adaugă
    .description = Adaugă un câmp pentru toate înregistrările
cmd-punctaj-admin-field-add-table = tabel
    .description = În care tabel
cmd-punctaj-admin-field-add-field = câmp
    .description = Cum se numește
cmd-punctaj-admin-field-edit = modifică
    .description = Schimbă numele sau modelul unui câmp
cmd-punctaj-admin-field-edit-table = tabel
    .description = În care tabel
cmd-punctaj-admin-field-edit-name = nume
    .description = Noul nume
cmd-punctaj-admin-field-remove = scoate
    .description = Scoate un câmp; desfacerea îl readuce cu valorile lui
cmd-punctaj-admin-field-remove-table = tabel
    .description = În care tabel
cmd-punctaj-admin-rank = grad
    .description = Gradele unui tabel
cmd-punctaj-admin-rank-set = setează
    .description = Creează un grad sau îl modifică pe cel cu același număr
cmd-punctaj-admin-rank-set-table = tabel
    .description = Tabelul în care este gradul
cmd-punctaj-admin-rank-remove = scoate
    .description = Scoate un grad, și de la cei care îl au
cmd-punctaj-admin-rank-remove-table = tabel
    .description = Tabelul al cărui grad este
cmd-punctaj-admin-rank-list = listă
    .description = Arată gradele unui tabel
cmd-punctaj-admin-rank-list-table = tabel
    .description = Tabelul ale cărui grade vrei să le vezi
cmd-punctaj-admin-activity = activitate
    .description = Pentru ce se dau puncte într-un tabel
cmd-punctaj-admin-activity-set = setează
    .description = Stabilește câte puncte se dau pentru o activitate
cmd-punctaj-admin-activity-set-table = tabel
    .description = Tabelul în care contează
cmd-punctaj-admin-activity-set-points = puncte
    .description = Câte puncte se dau
cmd-punctaj-admin-activity-set-quantity = cantitate
    .description = Pentru cât din ea; pentru 1, dacă lipsește
cmd-punctaj-admin-activity-remove = scoate
    .description = Scoate o activitate; punctele date rămân
cmd-punctaj-admin-activity-remove-table = tabel
    .description = Tabelul a cărui activitate este
cmd-punctaj-admin-activity-list = listă
    .description = Arată activitățile unui tabel
cmd-punctaj-admin-activity-list-table = tabel
    .description = Tabelul ale cărui activități vrei să le vezi
cmd-punctaj-admin-period = perioadă
    .description = Închiderea perioadelor, de mână sau după program
cmd-punctaj-admin-period-close = închide
    .description = Păstrează tabelul cum este și îl ia de la capăt, după ce arată rezultatul
cmd-punctaj-admin-period-close-table = tabel
    .description = Care tabel
cmd-punctaj-admin-period-schedule = program
    .description = Când se închide singur un tabel; fără alte opțiuni, îl arată
cmd-punctaj-admin-period-schedule-table = tabel
    .description = Care tabel
cmd-punctaj-admin-period-schedule-channel = canal
    .description = Unde se scrie raportul; în canalul de jurnal dacă nu a fost dat niciodată
cmd-punctaj-admin-period-list = listă
    .description = Arată perioadele închise ale unui tabel
cmd-punctaj-admin-period-list-table = tabel
    .description = Care tabel
cmd-punctaj-admin-period-report = raport
    .description = Rezultatul unei perioade închise
cmd-punctaj-admin-period-report-table = tabel
    .description = Care tabel
cmd-punctaj-admin-period-report-period = perioadă
    .description = Numărul ei; ultima închisă dacă lipsește
cmd-punctaj-admin-board = avizier
    .description = Mesaje care arată mereu un tabel
cmd-punctaj-admin-board-post = pune
    .description = Un canal arată mereu un tabel
cmd-punctaj-admin-board-post-table = tabel
    .description = Tabelul de arătat
cmd-punctaj-admin-board-post-channel = canal
    .description = Unde; în acest canal, dacă lipsește
cmd-punctaj-admin-board-post-layout = aspect
    .description = Pentru telefon sau pentru ecrane late; pentru telefon, dacă lipsește
cmd-punctaj-admin-board-remove = scoate
    .description = Scoate avizierele unui tabel, cu mesajele lor
cmd-punctaj-admin-board-remove-table = tabel
    .description = Tabelul ale cărui aviziere le scoți
cmd-punctaj-admin-board-remove-channel = canal
    .description = Doar cel din acest canal; toate, dacă lipsește
cmd-punctaj-admin-board-list = listă
    .description = Arată avizierele unui tabel
cmd-punctaj-admin-board-list-table = tabel
    .description = Tabelul ale cărui aviziere vrei să le vezi
cmd-punctaj-admin-board-list-channel = canal
    .description = Doar cel din acest canal; toate, dacă lipsește
cmd-punctaj-admin-access = drepturi
    .description = Cine ce are voie
cmd-punctaj-admin-access-grant = acordă
    .description = Acordă un drept unui rol sau unui membru
cmd-punctaj-admin-access-revoke = retrage
    .description = Retrage un drept acordat
cmd-punctaj-admin-access-list = listă
    .description = Arată drepturile acordate
cmd-punctaj-admin-access-explain = explică
    .description = Spune de ce are sau nu are cineva voie
cmd-punctaj-admin-access-grant-who = cine
    .description = Un rol sau un membru
cmd-punctaj-admin-access-revoke-who = cine
    .description = Un rol sau un membru
cmd-punctaj-admin-access-list-who = cine
    .description = Doar ale acestui rol sau membru
cmd-punctaj-admin-access-explain-who = cine
    .description = Un rol sau un membru
cmd-punctaj-admin-access-explain-right = drept
    .description = Doar acest cod sau pachet
cmd-punctaj-admin-access-explain-table = tabel
    .description = În acest tabel; în tot serverul, dacă lipsește
cmd-punctaj-admin-data = date
    .description = Import și export de date
cmd-punctaj-admin-data-export = export
    .description = Descarcă un tabel ca fișier
cmd-punctaj-admin-data-export-table = tabel
    .description = Care tabel; dacă lipsește și sunt mai multe, botul întreabă
cmd-punctaj-admin-settings = setări
    .description = Limba, fusul orar și canalul de jurnal
cmd-punctaj-admin-settings-show = arată
    .description = Arată setările
cmd-punctaj-admin-settings-language = limbă
    .description = Limba mesajelor pe care le citește toată lumea
cmd-punctaj-admin-settings-timezone = fus-orar
    .description = Fusul orar al datelor și orelor
cmd-punctaj-admin-settings-log-channel = canal-jurnal
    .description = Unde se scriu modificările și, zilnic, capătul istoricului
cmd-punctaj-admin-diagnose = diagnostic
    .description = Arată ce nu este în regulă aici și ce e de făcut
cmd-menu-add-points = Punctaj: adaugă puncte
cmd-menu-profile = Punctaj: profil
cmd-opt-names = nume
    .description = Nume sau mențiuni, despărțite prin virgule
cmd-opt-table = tabel
    .description = Care tabel; dacă lipsește, cel folosit ultima dată
cmd-opt-reason = motiv
    .description = De ce, în cel mult 300 de caractere
cmd-opt-field = câmp
    .description = Care câmp
cmd-opt-value = valoare
    .description = Valoarea nouă; - golește gradul sau membrul
cmd-opt-sort = ordine
    .description = În ce ordine
cmd-opt-layout = aspect
    .description = Pentru telefon sau pentru ecran lat; se ține minte pentru sesiune
cmd-opt-at = la
    .description = Cum era atunci: 2026-11-20 (la sfârșitul zilei), 2026-11-20 21:15, acum 3h sau 2d, <t:…>
cmd-opt-share = public
    .description = Ca să vadă toți cei de pe canal
cmd-opt-event = eveniment
    .description = Numărul evenimentului, ca în #12
cmd-opt-device = dispozitiv
    .description = Cum numești acest dispozitiv, de exemplu PC Birou
cmd-opt-session = sesiune
    .description = Care dintre sesiunile tale: id-ul sau eticheta ei
cmd-opt-topic = subiect
    .description = Despre ce; totul, dacă lipsește
cmd-opt-who = cine
    .description = Doar ce a făcut această persoană
cmd-opt-action = acțiune
    .description = Doar acest fel de modificare
cmd-opt-since = de_la
    .description = De atunci: 2026-11-20, 2026-11-20 21:15, acum 3h sau 2d, <t:…>
cmd-opt-until = până_la
    .description = Până atunci: 2026-11-20 (sfârșitul zilei), 2026-11-20 21:15, acum 3h sau 2d, <t:…>
cmd-opt-only = doar
    .description = Doar cele de acest fel
cmd-opt-format = format
    .description = Tipul fișierului; CSV, dacă lipsește
cmd-opt-rank = grad
    .description = Numărul gradului; un număr mai mare este un grad mai înalt
cmd-opt-title = titlu
    .description = Cum se numește gradul
cmd-opt-promote_at = avansează_la
    .description = Puncte de la care se trece la gradul următor
cmd-opt-demote_below = retrogradează_sub
    .description = Puncte sub care se coboară la gradul anterior
cmd-opt-role = rol
    .description = Rolul de Discord care îi corespunde
cmd-opt-activity = activitate
    .description = Pentru ce sunt punctele
cmd-opt-quantity = cantitate
    .description = Cât din ea; cât valorează punctele, dacă lipsește
cmd-opt-right = drept
    .description = Un cod precum score.add sau un pachet precum scorer
cmd-opt-scope = domeniu
    .description = Un tabel, sau o categorie ca Categorie/*; tot serverul, dacă lipsește
cmd-opt-template = șablon
    .description = Cu ce începe; fără nimic dacă lipsește
cmd-opt-category = categorie
    .description = Noua categorie; - îl scoate din categorie
cmd-opt-floor = minim
    .description = Sub cât nu scad punctele niciodată
cmd-opt-private = privat
    .description = Ascuns de cei fără drept la el
cmd-opt-promotions = avansări
    .description = Dacă închiderea dă și ia gradele singură sau doar le propune
cmd-opt-period = perioadă
    .description = O perioadă închisă, după numărul ei
cmd-opt-every = cât_de_des
    .description = La ce interval; oprit îl pune în pauză și păstrează restul
cmd-opt-clear = scoate
    .description = Ce a fost setat și nu trebuie să mai fie
cmd-opt-day = zi
    .description = O zi a săptămânii sau 1 până la 31 din lună (ultima, dacă luna e mai scurtă)
cmd-opt-time = oră
    .description = După ora acestui server, de exemplu 20:00
cmd-opt-warning = avertizare
    .description = Cu câte ore înainte, pentru cei sub pragul gradului lor; 0 pentru niciuna
cmd-opt-kind = tip
    .description = Ce conține; text dacă lipsește
cmd-opt-pattern = model
    .description = O expresie regulată pe care o respectă valorile; - pentru niciuna
cmd-opt-language = limbă
    .description = Care limbă
cmd-opt-timezone = fus_orar
    .description = De exemplu Europe/Bucharest
cmd-opt-channel = canal
    .description = Care canal
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
cmd-choice-conflicts = conflicte
cmd-choice-undone = desfăcute
cmd-choice-refused = refuzate
cmd-choice-queued = puse în așteptare
cmd-choice-week = săptămânal
cmd-choice-month = lunar
cmd-choice-off = oprit
cmd-choice-promote_at = avansează_la
cmd-choice-demote_below = retrogradează_sub
cmd-choice-role = rol
cmd-choice-channel = canal
cmd-choice-warning = avertizare
cmd-choice-automatic = automat
cmd-choice-proposed = doar propuse
cmd-choice-csv = CSV
cmd-choice-json = JSON
cmd-choice-jsonl = JSON Lines
cmd-choice-plain = gol
cmd-choice-police = poliție
cmd-choice-clan = clan
cmd-choice-class = clasă
cmd-choice-text = text
cmd-choice-number = număr
cmd-choice-date = dată
cmd-choice-en = engleză
cmd-choice-ro = română
