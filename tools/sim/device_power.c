/* Power, bootloader and restarts of a device. */
#include "tools/sim/device.h"

#include <errno.h>

static void forget_ram(struct device *d)
{
	device_line_clear(d);
	server_restart(&d->mcu);
	d->mcu.in_recovery = false;
	d->mcu.runs = false;
	d->restart_at = d->watchdog_at = d->phase_at = DEVICE_NEVER;
	d->cpu_free_at = 0;
}

static void copy_boot_counts(struct device *d)
{
	struct mcu *m = &d->mcu;

	m->counts.swaps = m->boot.swaps;
	m->counts.reverts = m->boot.reverts;
	m->counts.refused_images = m->boot.refused;
}

/* The bootloader has the processor: a swap first, as long as there is one. */
static void run_bootloader(struct device *d, uint64_t now)
{
	struct mcu *m = &d->mcu;
	bool recovery = d->restart_to_recovery && d->serial_recovery;

	m->boot.refuse_next = switch_is_on(&m->sw, SW_BAD_IMAGE);
	m->boot.no_downgrade = switch_is_on(&m->sw, SW_DOWNGRADE);
	if (!recovery && boot_prepare(&m->boot)) {
		d->state = DEVICE_SWAPPING;
		d->swap_began = now;
		d->phase_at = now + d->swap_ns;
		return;
	}
	copy_boot_counts(d);
	d->restart_to_recovery = false;
	m->runs = boot_choose(&m->boot, m->active);
	copy_boot_counts(d);
	if (recovery || m->boot.mode == BOOT_RECOVERY ||
		(!m->runs && d->serial_recovery))
		m->in_recovery = m->runs = true;
	d->state = DEVICE_BOOTING;
	d->phase_at = now + d->boot_ns;
}

void device_power_on(struct device *d, uint64_t now)
{
	forget_ram(d);
	d->power_on_at = DEVICE_NEVER;
	d->mcu.counts.boots++;
	boot_begin(&d->mcu.boot);
	run_bootloader(d, now);
}

static void start_application(struct device *d, uint64_t now)
{
	struct switches *sw = &d->mcu.sw;
	bool test = !d->mcu.in_recovery && mcu_runs_unconfirmed(&d->mcu, 0);

	d->phase_at = DEVICE_NEVER;
	if (!d->mcu.runs) {
		d->state = DEVICE_DEAD;
		return;
	}
	d->state = DEVICE_RUNNING;
	if (test && switch_is_on(sw, SW_REVERT)) {
		d->state = DEVICE_SILENT;
		if (switch_value(sw, SW_REVERT) > 0)
			d->watchdog_at =
				now + switch_value(sw, SW_REVERT) * 1000;
	} else if (test && switch_is_on(sw, SW_SELF_REVERT)) {
		d->watchdog_at = now + switch_value(sw, SW_SELF_REVERT) * 1000;
	}
}

void device_phase_ends(struct device *d, uint64_t now)
{
	if (d->state != DEVICE_SWAPPING) {
		start_application(d, now);
		return;
	}
	while (boot_step(&d->mcu.boot) > 0)
		;
	run_bootloader(d, now);
}

void device_restart(struct device *d, uint64_t now)
{
	if (d->state != DEVICE_OFF)
		device_power_on(d, now);
}

/* As many sectors as the time was enough for. */
static void cut_swap(struct device *d, uint64_t now)
{
	struct flash_journal j;
	uint64_t steps;

	if (flash_journal_read(&d->mcu.flash, &j) < 0 || d->swap_ns == 0)
		return;
	steps = (j.sectors - j.sector) * (now - d->swap_began) / d->swap_ns;
	for (; steps > 0; steps--)
		if (boot_step(&d->mcu.boot) <= 0)
			return;
}

void device_power_cut(struct device *d, uint64_t now, uint64_t off_ns)
{
	if (d->state != DEVICE_OFF) {
		if (d->state == DEVICE_SWAPPING)
			cut_swap(d, now);
		d->mcu.counts.power_cuts++;
		forget_ram(d);
		d->state = DEVICE_OFF;
	}
	d->power_on_at = off_ns == DEVICE_NEVER ? DEVICE_NEVER : now + off_ns;
}

void device_unplug(struct device *d, uint64_t now, uint64_t off_ns)
{
	if (d->plugged)
		d->mcu.counts.unplugs++;
	d->plugged = false;
	d->replug_at = off_ns == DEVICE_NEVER ? DEVICE_NEVER : now + off_ns;
	console_reset(&d->console);
	buf_reset(&d->assembly);
	while (d->wire_count > 0)
		device_tx_done(d);
}

void device_replug(struct device *d)
{
	d->plugged = true;
	d->replug_at = DEVICE_NEVER;
}

const char *device_state_name(const struct device *d)
{
	switch (d->state) {
	case DEVICE_OFF:
		return "off";
	case DEVICE_SWAPPING:
		return "swapping";
	case DEVICE_BOOTING:
		return "booting";
	case DEVICE_RUNNING:
		return d->mcu.in_recovery ? "recovery" : "running";
	case DEVICE_SILENT:
		return "silent";
	case DEVICE_DEAD:
		return "dead";
	}
	return "off";
}
