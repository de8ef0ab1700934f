/* Everything ferryd is told by files: ferryd.conf, vendors.d/, classes.d/ and
 * links.d/ of one folder.
 *
 * The whole configuration is read and checked, across files too, before
 * anything changes: config_load() gives a complete new object or a problem with
 * file and line. Immutable afterwards. Start-up and reload only; blocking. */
#ifndef FERRY_GATEWAY_CONFIG_CONFIG_H
#define FERRY_GATEWAY_CONFIG_CONFIG_H

#include "devices/class.h"
#include "gateway/config/reader.h"
#include "policy/trust/revocation.h"
#include "policy/trust/signers.h"

#define CONFIG_VENDORS_MAX 32
#define CONFIG_CLASSES_MAX 256
#define CONFIG_LINKS_MAX 1024
#define CONFIG_NAMES_MAX 32
#define CONFIG_PAIRS_MAX 24
#define CONFIG_NAME_SIZE 64
#define CONFIG_PATH_SIZE 224
#define CONFIG_WINDOW_SIZE 64
#define CONFIG_DECRYPTION_KEYS_MAX 8
#define CONFIG_KEY_SIZE 512 /* of the name of a key: a path or a URI */
#define CONFIG_HOSTS_MAX 16
#define CONFIG_HOST_SIZE 128

enum config_approval {
	CONFIG_APPROVAL_AUTO, /* jobs start by themselves */
	CONFIG_APPROVAL_ASK,  /* a person approves each */
	CONFIG_APPROVAL_SECURITY, /* only security updates start by themselves */
};

/* What is done with encrypted images of a class. */
enum config_encrypted {
	CONFIG_ENCRYPTED_REFUSE,
	CONFIG_ENCRYPTED_SEALED, /* relayed as they are */
	CONFIG_ENCRYPTED_OPEN,   /* decrypted here */
};

enum config_clock {
	CONFIG_CLOCK_AUTO, /* the kernel says whether NTP holds the clock */
	CONFIG_CLOCK_SYNCHRONISED,
	CONFIG_CLOCK_UNTRUSTED,
};

struct config_vendor {
	char name[CONFIG_NAME_SIZE];
	char file[256];
	int line;
	char root[CONFIG_PATH_SIZE]; /* first root, COSE */
	char vendor_id_texts[CONFIG_NAMES_MAX][40];
	unsigned vendor_id_count;
	uint8_t vendor_ids[CONFIG_NAMES_MAX][16];
	char class_id_texts[CONFIG_NAMES_MAX][40];
	unsigned class_id_count; /* 0: any class of these vendor-ids */
	uint8_t class_ids[CONFIG_NAMES_MAX][16];
	struct {
		char type[16]; /* "https" */
		char url[CONFIG_PATH_SIZE];
		char ca[CONFIG_PATH_SIZE];
		char certificate[CONFIG_PATH_SIZE];
		char key[CONFIG_PATH_SIZE];
		char pins[4][72];
		unsigned pin_count;
		char tls_min[8]; /* "1.3" or "1.2" */
		char reports[CONFIG_PATH_SIZE];
		int64_t interval_s, jitter_pct, retry_first_s, retry_max_s;
	} link;
	/* Of signers' certificates, and of the server's. */
	char heir_of[CONFIG_NAME_SIZE]; /* "": nobody's */
	char revocation[24];
	char revocation_tls[24];
	enum revocation_policy signers, server;
	bool revocation_off; /* of the signers */
	int64_t revocation_max_age_s;
	/* "crl.example.com", "127.0.0.1:8080"; docs/operations.md */
	char evidence_hosts[CONFIG_HOSTS_MAX][CONFIG_HOST_SIZE];
	unsigned evidence_host_count;
	/* Keys for MACs: a path, or "credential:NAME"; "": none. */
	char device_keys[CONFIG_PATH_SIZE];
	bool plain_device_ids; /* reports name devices as they are */
	char decryption_keys[CONFIG_DECRYPTION_KEYS_MAX][CONFIG_KEY_SIZE];
	unsigned decryption_key_count;
};

struct config_class {
	struct device_class device; /* what devices/ needs to know of it */
	char file[256];
	int line;
	/* Who holds it. The file's word, until authority.h knows better. */
	char vendor[CONFIG_NAME_SIZE];
	bool has_approval; /* else the daemon's */
	enum config_approval approval;
	char window[CONFIG_WINDOW_SIZE]; /* "": the daemon's */
	struct signer_demand demand;	 /* who has to sign, and how */
	enum config_encrypted encrypted;
	int64_t inventory_interval_s;    /* 0: the daemon's */
	struct conf_pair channel[8];     /* settings of the link's channel */
	unsigned channel_count;
};

struct config_param {
	const char *key;
	const char *value;
	int line;
};

/* What serves all devices of a radio at once. */
struct config_network {
	char engine[16];     /* of scope network */
	char options[256];   /* of the engine, without the budget */
	unsigned budget_pct; /* of the channel's time; 0: no limit */
	char *quirks;        /* rows of the local file, checked; NULL: none */
	size_t quirks_len;
};

/* There may be a thousand of them, so each takes only what it needs. */
struct config_link {
	char name[CONFIG_NAME_SIZE];
	const char *file;
	int line; /* of `driver` */
	char driver[32]; /* or the name of the delegate */
	bool is_delegate; /* another program that owns the radio */
	struct config_param *params; /* one allocation with all texts */
	unsigned param_count;
	int64_t max_transfers; /* at the same time over this link; 0: no limit */
	struct config_network *network; /* NULL: devices are spoken to singly */
};

struct config {
	char folder[CONFIG_PATH_SIZE];
	char state_dir[CONFIG_PATH_SIZE];
	struct {
		char socket[108];
		char group[CONFIG_NAME_SIZE];
		char mode[8];
		/* "alice", "uid:1000", "@users" or "gid:100" */
		char viewers[CONFIG_NAMES_MAX][CONFIG_NAME_SIZE];
		char operators[CONFIG_NAMES_MAX][CONFIG_NAME_SIZE];
		char admins[CONFIG_NAMES_MAX][CONFIG_NAME_SIZE];
		unsigned viewer_count, operator_count, admin_count;
	} admin;
	struct {
		char level[8];
		char debug[CONFIG_NAMES_MAX][24];
		unsigned debug_count;
	} log;
	struct {
		int64_t quota_mb;
		int64_t part_days;
	} cache;
	struct {
		int64_t first_s, max_s, budget;
	} retry;
	struct {
		int64_t max_transfers; /* over all links; 0: no limit */
		int64_t inventory_interval_s;
		int64_t utc_offset_min; /* of the windows */
		char clock[16];
	} relay;
	struct {
		bool allow_shared_objects;
		char folder[CONFIG_PATH_SIZE];
	} drivers;
	enum config_clock clock;
	char approval_text[16];
	enum config_approval approval;
	char window[CONFIG_WINDOW_SIZE];

	struct config_vendor *vendors;
	unsigned vendor_count;
	struct config_class *classes;
	unsigned class_count;
	struct config_link *links;
	unsigned link_count;
};

/* Reads the folder. On success *ret is the caller's. */
int config_load(const char *folder, struct config **ret,
	struct conf_problem *problem);
void config_free(struct config *config);

const struct config_vendor *config_vendor_find(const struct config *config,
	const char *name);
const struct config_class *config_class_find(const struct config *config,
	const char *name);
const struct config_link *config_link_find(const struct config *config,
	const char *name);

/* Whether the vendor's file lets it speak for this class. */
bool config_vendor_may_name(const struct config_vendor *vendor,
	const uint8_t vendor_id[16], const uint8_t class_id[16]);

const char *config_revocation_name(enum revocation_policy policy);

/* Of the vendors that may name the class, the one that is heir of none of the
 * others: it holds the class until it hands it over. */
const struct config_vendor *config_class_first(const struct config *config,
	const struct config_class *c);

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx". 0 or -EINVAL. */
int config_uuid_parse(const char *text, uint8_t ret[16]);

#endif
