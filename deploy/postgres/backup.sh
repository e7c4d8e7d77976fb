#!/bin/sh
# One backup into a folder of its own below /backups, or one put back:
#   docker compose run --rm backup                 prints the folder's name
#   docker compose run --rm backup restore NAME    the services have to be stopped; see docs/runbook.md
# Pictures come after the databases: a picture is stored before its row, so whatever a row names is there.
set -eu
: "${PGHOST:=postgres}" "${PGUSER:=postgres}"
PGPASSWORD=$(cat /run/secrets/postgres_password)
export PGHOST PGUSER PGPASSWORD
databases="auth catalog rewards isin"
pictures="icons proofs"

take() {
    name=$(date -u +%Y%m%dT%H%M%SZ)
    part="/backups/.$name.part"
    mkdir "$part"
    for database in $databases; do
        pg_dump --format=custom --dbname="$database" --file="$part/$database.dump"
    done
    for volume in $pictures; do
        tar -C "/pictures/$volume" -cf "$part/$volume.tar" .
    done
    (cd "$part" && sha256sum -- * >SHA256SUMS)
    sync
    mv "$part" "/backups/$name" # half a backup never has a name
    echo "$name"
}

restore() {
    cd "/backups/$1"
    sha256sum --check --quiet SHA256SUMS
    for database in $databases; do
        # All or nothing: what fails leaves the database as it was.
        pg_restore --clean --if-exists --single-transaction --exit-on-error --dbname="$database" "$database.dump"
    done
    for volume in $pictures; do
        tar -C "/pictures/$volume" -xpf "$volume.tar"
    done
}

case ${1:-take} in
take) take ;;
restore) restore "${2:?which backup? its folder below /backups}" ;;
*) echo "take, or restore NAME" >&2; exit 2 ;;
esac
