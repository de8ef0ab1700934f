/* Which settings each kind of file knows: the tables that the reader follows,
 * and the presets. docs/operations.md lists them for people. No state. */
#ifndef FERRY_GATEWAY_CONFIG_SCHEMA_H
#define FERRY_GATEWAY_CONFIG_SCHEMA_H

#include "gateway/config/config.h"

/* A file of classes.d/ as it stands, before it becomes a device_class. */
struct config_class_file {
	char name[CLASS_NAME_SIZE];
	char vendor[CLASS_NAME_SIZE];
	char vendor_id[40];
	char class_id[40];
	struct conf_pair match[CLASS_MATCHES_MAX];
	unsigned match_count;
	bool auto_enrol;
	char engine[16];
	char options[512];
	struct {
		char id[64];
		int64_t slot;
	} components[CLASS_COMPONENTS_MAX];
	unsigned component_count;
	char hw_source[16];
	char hw_value[32];
	char reset_line[128];
	bool reset_on_open;
	bool battery;
	char reappear[24];
	char envelope[16];
	bool strip_signatures;
	int64_t connect_limit_s, transfer_limit_s, return_limit_s;
	int64_t inventory_interval_s;
	struct {
		int64_t step;
		char tier[8];
	} tiers[CLASS_STEPS];
	unsigned tier_count;
	char require_roles[4][16];
	unsigned require_role_count;
	char require_signatures[4][16];
	unsigned require_signature_count;
	char device_checks[16];
	char confirm[16];
	int64_t confirm_after_s;
	bool can_revert, can_resume, can_prove;
	char end_of_support[16];
	char approval[16];
	char window[CONFIG_WINDOW_SIZE];
	char encrypted[8];
	struct conf_pair channel[8];
	unsigned channel_count;
};

/* A file of links.d/ with room for all parameters that it might have. */
struct config_link_file {
	char name[CONFIG_NAME_SIZE];
	int line; /* of `driver` */
	char driver[32];
	char delegate[32];
	struct conf_pair params[CONFIG_PAIRS_MAX];
	unsigned param_count;
	int64_t max_transfers;
	struct {
		char engine[16];
		char options[256];
		char quirks[CONFIG_PATH_SIZE];
	} network;
};

extern const struct conf_field config_main_fields[];
extern const struct conf_field config_vendor_fields[];
extern const struct conf_field config_class_fields[];
extern const struct conf_field config_link_fields[];

/* Not config_init(): libconfig has that name. */
void config_presets(struct config *config);
void config_vendor_init(struct config_vendor *vendor);
void config_class_file_init(struct config_class_file *file,
	const struct device_class *presets);

/* "refuse", "sealed" or "open" as enum config_encrypted; -EINVAL. */
int config_encrypted_parse(const char *text);

/* "basic", "+1", "+2", "+3" or "none" as 1, 2, 3, 4 and 0; -EINVAL. */
int config_tier_parse(const char *text);

/* "require", "require-if-reachable" or "off"; -EINVAL. */
int config_revocation_parse(const char *text);

#endif
