#!/bin/sh
# A primary that is asked to go (a rollout, a node that is emptied) hands over first: nothing is lost by that.
set -eu
REDISCLI_AUTH=$(cat /run/secrets/valkey_password)
export REDISCLI_AUTH
is_primary() { valkey-cli role | head -n 1 | grep -q master; }
is_primary || exit 0
valkey-cli -p 26379 sentinel failover appraise coordinated
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    is_primary || exit 0
done
