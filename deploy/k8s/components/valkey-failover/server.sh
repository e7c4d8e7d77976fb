#!/bin/sh
# One server. Who is primary is what a sentinel says; when none answers, what this pod's own one wrote down last; at the
# very first start it is the first pod.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/valkey_password)
export REDISCLI_AUTH
me=$(hostname).valkey-nodes

primary() {
    for number in 0 1 2; do
        timeout 2 valkey-cli -h "valkey-$number.valkey-nodes" -p 26379 --raw \
            sentinel get-primary-addr-by-name appraise 2>/dev/null | grep -m 1 '[.]valkey-nodes$' && return
    done
    sed -n 's/^sentinel monitor appraise \([^ ]*\) .*/\1/p' /data/sentinel.conf 2>/dev/null | grep . && return
    echo valkey-0.valkey-nodes
}

umask 077
{
    cat /etc/valkey/valkey.conf
    echo "requirepass $REDISCLI_AUTH"
    echo "primaryauth $REDISCLI_AUTH"
    echo "replica-announce-ip $me"
    found=$(primary)
    [ "$found" = "$me" ] || echo "replicaof $found 6379"
} >/tmp/valkey.conf
exec valkey-server /tmp/valkey.conf
