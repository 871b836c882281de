#!/usr/bin/env bash
# Waits until the boot is complete and apt is idle, and checks that the dead man's switch is armed.
# shellcheck source=ami/setup/common.sh
. "${FOLDER:?}/common.sh"

first_boot() {
    local status=0
    cloud-init status --wait --long || status=$?
    # 2: done with warnings, which are in the output above
    [[ $status == 0 || $status == 2 ]] || die "cloud-init failed (exit $status)"
}

# Wait for a running job: stopping it would leave packages half installed.
quiet_apt() {
    local unit job end=$((SECONDS + PATIENCE))
    for unit in "${UNATTENDED[@]}"; do
        systemctl disable --now --quiet "$unit" || true # a base image may lack it
    done
    for job in apt-daily.service apt-daily-upgrade.service; do
        while [[ $(systemctl show --property ActiveState --value "$job") == *activating ]]; do
            ((SECONDS < end)) || die "$job still runs after $PATIENCE s"
            echo "waiting: $job runs"
            sleep 2
        done
    done
}

armed() {
    systemctl is-active --quiet "$DEADLINE.timer" || die "the machine would not end by itself: \
$DEADLINE.timer is not active"
    [[ -s /var/lib/$DEADLINE/at ]] || die "the machine has no deadline"
}

echo "==> first boot"
first_boot
echo "==> apt's own jobs off"
quiet_apt
echo "==> deadline armed"
armed
