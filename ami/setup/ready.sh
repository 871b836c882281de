#!/usr/bin/env bash
# Waits until a boot is over and nothing else uses apt, and sees that the dead man's switch is armed.
# shellcheck source=ami/setup/common.sh
. "${FOLDER:?}/common.sh"

first_boot() {
    local status=0
    cloud-init status --wait --long || status=$?
    # 2: done, but something in it warned; the output above says what
    [[ $status == 0 || $status == 2 ]] || die "cloud-init failed (exit $status)"
}

quiet_apt() {
    systemctl stop apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service || true
    systemctl disable apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service || true
}

armed() {
    systemctl is-active --quiet "${DEADLINE:?}.timer" || die "the machine would not end by itself: \
$DEADLINE.timer is not active"
    [[ -s /var/lib/$DEADLINE/at ]] || die "the machine has no deadline"
}

echo "==> first boot"
first_boot
echo "==> apt's own timers off"
quiet_apt
echo "==> deadline armed"
armed
