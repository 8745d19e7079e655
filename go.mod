module pikabin

go 1.26
