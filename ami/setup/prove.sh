#!/usr/bin/env bash
# The last check before the image is created: reports everything that must not be in it, and fails.
FOLDER=/run/ami-build # seal.sh copied common.sh here; the builder sends only this script
# shellcheck source=ami/setup/common.sh
. "$FOLDER/common.sh"

mapfile -t left < <(leftovers)
[[ -s /etc/machine-id ]] && left+=(/etc/machine-id)
if systemctl is-active --quiet "$DEADLINE.timer" || systemctl is-enabled --quiet "$DEADLINE.timer" \
    2>/dev/null; then
    left+=("$DEADLINE.timer")
fi
[[ -s /etc/sandbox-image.json ]] || left+=("no /etc/sandbox-image.json")
for unit in "${UNATTENDED[@]}"; do
    systemctl is-enabled --quiet "$unit" || left+=("$unit is off, so no security updates")
done

if ((${#left[@]})); then
    list=$(printf '%s; ' "${left[@]}")
    die "still there: ${list%; }"
fi
echo "nothing left of the build"
