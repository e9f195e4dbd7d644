#!/bin/bash
# Asks the broker which requests it understands (ApiVersions, before any login), on a listener that only its own
# container reaches. No JVM is started for it: the check costs some milliseconds. Exit code 0 if an answer comes.
exec 3<> /dev/tcp/127.0.0.1/19096 || exit 1
# length 19, ApiVersions (18) version 0, correlation 7, client id "ringfence"; then the answer's length and correlation
printf '\x00\x00\x00\x13\x00\x12\x00\x00\x00\x00\x00\x07\x00\x09ringfence' >&3
answer=$(timeout 4 head -c 8 <&3 | od -An -tx1 | tr -d ' \n')
[[ ${#answer} -eq 16 && $answer == *00000007 ]]
