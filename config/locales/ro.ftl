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
