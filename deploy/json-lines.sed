# For sed -uE, in the C locale: makes JSON of every line of a log that is none yet.
/^\{.*\}$/b
s/[\\"]/\\&/g
s/[[:cntrl:]]/ /g
t escaped
:escaped
# What a run says on its console.
s/^([0-9-]{10} [0-9:]{8} [+-][0-9]{4}) - ([^ ]+) - ([A-Z]+) - (.*)$/{"timestamp":"\1","logger":"\2","level":"\3","message":"\4"}/
t
s/.*/{"message":"&"}/
