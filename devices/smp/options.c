#include "devices/smp/options.h"

#include "devices/options.h"

#define AT(field) offsetof(struct smp_options, field)

static const struct option options[] = {
	{"framing", AT(raw), 0, 0, 0, {"console", "raw"}},
	{"server", AT(recovery), 0, 0, 0, {"auto", "recovery"}},
	{"image", AT(image), -1, 0, 255, {0}},
	{"max_message", AT(max_message), 0, 64, 8192, {0}},
	{"window", AT(window), 0, 1, 8, {0}},
	{"align", AT(align), 1, 1, 512, {0}},
	{"line_pause_ms", AT(line_pause_ms), 0, 0, 1000, {0}},
	{"reassembly", AT(reassembly), 0, 0, 0, {"probe", "yes", "no"}},
	{"activate", AT(permanent), 0, 0, 0, {"test", "permanent"}},
	{"force_reset", AT(force_reset), 0, 0, 0, {"no", "yes"}},
	{"confirm_running", AT(confirm_running), 0, 0, 0, {"no", "yes"}},
	{"upgrade_only", AT(upgrade_only), 0, 0, 0, {"no", "yes"}},
	{"answer_ms", AT(answer_ms), 3000, 50, 600000, {0}},
	{"erase_ms", AT(erase_ms), 60000, 100, 600000, {0}},
	{"last_ms", AT(last_ms), 20000, 100, 600000, {0}},
	{"boot_ms", AT(boot_ms), 2000, 0, 600000, {0}},
	{"return_ms", AT(return_ms), 0, 100, 3600000, {0}},
};

static const struct option_table table = OPTION_TABLE(options,
	ERR_ENGINE_OPTION);

int smp_options_read(const char *text, struct smp_options *ret,
	struct fault *f)
{
	struct smp_options o;
	int err = options_read(&table, text, &o, f);

	if (!err)
		*ret = o;
	return err;
}
