module skerry.dev/probe

go 1.25
