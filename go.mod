module gitlab.com/nines-sre/nines

go 1.26
