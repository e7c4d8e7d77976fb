#!/bin/sh
# One sentinel. It keeps what it knows in a file of its own, which outlives it; only the passwords in it are written anew.
set -eu
password=$(cat /run/secrets/valkey_password)
file=/data/sentinel.conf
umask 077
if [ ! -s "$file" ]; then
    until REDISCLI_AUTH=$password valkey-cli -h valkey-0.valkey-nodes ping 2>/dev/null | grep -q PONG; do sleep 1; done
    cat >"$file.new" <<END
port 26379
dir /tmp
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $(hostname).valkey-nodes
sentinel monitor appraise valkey-0.valkey-nodes 6379 2
sentinel down-after-milliseconds appraise 5000
sentinel failover-timeout appraise 30000
END
    mv "$file.new" "$file"
fi
grep -v -e '^requirepass ' -e '^user default ' -e '^sentinel sentinel-pass ' -e '^sentinel auth-pass ' "$file" >"$file.new"
{
    echo "requirepass $password"
    echo "sentinel sentinel-pass $password"
    echo "sentinel auth-pass appraise $password"
} >>"$file.new"
mv "$file.new" "$file"
exec valkey-server "$file" --sentinel
