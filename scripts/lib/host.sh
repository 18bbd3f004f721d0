# What scripts/setup-host and scripts/bind-nic share: where the kernel shows its devices, and how a change is made.
#
# TERMINUS_SYS, TERMINUS_PROC, TERMINUS_DEV and TERMINUS_STATE take the place of /sys, /proc, /dev and /run/terminus: for
# tests, which have a machine made up of files.
# shellcheck shell=bash disable=SC2034
sys=${TERMINUS_SYS:-/sys}
proc=${TERMINUS_PROC:-/proc}
dev=${TERMINUS_DEV:-/dev}
state=${TERMINUS_STATE:-/run/terminus}
program=$(basename "$0")
dry_run=no
failures=0

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$program" "$*" >&2
    exit 1
}

# Something did not work, and the rest goes on; the script ends with 1.
complain() {
    printf '%s: %s\n' "$program" "$*" >&2
    failures=$((failures + 1))
}

# The comment at the script's head.
usage() { awk 'NR > 1 && !/^#/ {exit} NR > 1 {sub(/^# ?/, ""); print}' "$0"; }

misused() {
    printf '%s: %s\n\n' "$program" "$*" >&2
    usage >&2
    exit 2
}

need_root() { ((EUID == 0)) || fail "only root can do this: try sudo $0"; }

changed() { say "changed: $*"; }

# With --dry-run: says what would be so then, and that this is all.
would_change() {
    [[ $dry_run == yes ]] && say "would change: $*"
}

already() { say "already so: $*"; }

# Writes a value to a file of the kernel. By a program, which the tests have one of their own for that plays the kernel.
put() { printf '%s\n' "$1" | tee "$2" >/dev/null; }

# The first line of a file, nothing of one that is not there.
first_line() {
    local line=''
    if [[ -r $1 ]]; then read -r line <"$1" || true; fi
    echo "$line"
}
