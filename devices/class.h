/* A kind of device, as a file in classes.d/ describes it.
 *
 * The loader of the configuration fills the structure and calls class_check();
 * from then on it is read-only and lives until the next reload. Text is
 * NUL-terminated. A class says what its devices are, which links they are found
 * on, which engine speaks to them and what may be promised about an update. No
 * state; any thread. */
#ifndef FERRY_DEVICES_CLASS_H
#define FERRY_DEVICES_CLASS_H

#include "base/bytes.h"
#include "base/err.h"

#define CLASS_NAME_SIZE 64
#define CLASS_COMPONENTS_MAX 8
#define CLASS_MATCHES_MAX 8
#define CLASS_STEPS 14 /* steps 1..13; index 0 is not used */

/* How a peer is known, in the order of trust; the same numbers as
 * FERRY_ID_* of the transport ABI. */
enum peer_id_kind {
	PEER_ID_EPHEMERAL = 0, /* changes by itself: a random BLE address */
	PEER_ID_PLACE = 1,     /* where it is plugged in: a port's path */
	PEER_ID_HARDWARE = 2,  /* a serial number, an EUI-64 */
	PEER_ID_BONDED = 3,    /* known by a secret */
};

struct peer_attribute {
	const char *name;
	const char *value;
};

/* What a link reports about a peer; everything is borrowed for the call.
 * `address` may be NULL; `was` is an earlier key of the same peer or NULL. */
struct peer_sight {
	const char *driver; /* "serial", "sim", "ble" */
	const char *link;   /* name of the link in links.d */
	const char *key;    /* 1..63 printable characters */
	const char *was;
	const char *address;
	enum peer_id_kind id_kind;
	const struct peer_attribute *attributes;
	size_t attribute_count;
	/* Nothing shows yet that it is real: it may be made up. */
	bool doubtful;
	/* Its class may not make it a device (yet). */
	bool on_hold;
};

/* The value of an attribute, or NULL. */
const char *peer_attribute(const struct peer_sight *sight, const char *name);

/* One rule of `match`: `name` is "driver", "link", "key" or the name of an
 * attribute; `glob` may hold * and ?. All rules of a class must hold. */
struct class_match {
	char name[32];
	char glob[64];
};

/* A component of the manifest (its identifier as text, segments joined by '/')
 * and the engine's slot for it: the image number for SMP. */
struct class_component {
	char id[64];
	uint32_t slot;
};

enum class_confirm {
	CLASS_CONFIRM_ON_VERSION,
	CLASS_CONFIRM_AFTER, /* `confirm_after_s` of good health */
	CLASS_CONFIRM_COMMAND,
	CLASS_CONFIRM_NEVER,
};

/* What the device itself checks before it takes an image; nobody proves it. */
enum class_validates {
	CLASS_VALIDATES_DIGEST,
	CLASS_VALIDATES_SIGNATURE,  /* or it is decrypted there with AES-256 */
	CLASS_VALIDATES_HASH_BASED, /* a hash-based signature */
};

/* How a device that went away in mid-job is known again. */
enum class_reappear {
	CLASS_REAPPEAR_SAME_KEY,
	CLASS_REAPPEAR_SAME_LINK,  /* whoever speaks on that link */
	CLASS_REAPPEAR_USB_SERIAL, /* same attribute `usb_serial`, any port */
	CLASS_REAPPEAR_ADDRESS_PLUS_1,
};

/* What is sent to a device: the image as it is, or one SUIT envelope with a MAC
 * for this device and the image behind it (docs/formats.md, "Last hop"). */
enum class_envelope {
	CLASS_ENVELOPE_NONE,
	CLASS_ENVELOPE_INTEGRATED,
};

enum class_hw_source {
	CLASS_HW_UNKNOWN,
	CLASS_HW_FIXED,     /* `hw_value` for all devices of the class */
	CLASS_HW_ATTRIBUTE, /* the peer's attribute named `hw_value` */
	CLASS_HW_ENGINE,    /* the engine reads it */
};

struct device_class {
	char name[CLASS_NAME_SIZE];
	char vendor[CLASS_NAME_SIZE]; /* name of the file in vendors.d */
	uint8_t vendor_id[16];
	uint8_t class_id[16];

	struct class_match match[CLASS_MATCHES_MAX];
	size_t match_count; /* 0: devices are only enrolled by hand */
	bool auto_enrol;

	char engine[16];
	char options[512]; /* of the engine, "key=value key=value" */
	struct class_component components[CLASS_COMPONENTS_MAX];
	size_t component_count;

	enum class_hw_source hw_source;
	char hw_value[32];
	char reset_line[128]; /* DTR/RTS sequence that restarts it; "" none */
	bool reset_on_open;   /* opening the port restarts it */
	bool battery;         /* never woken only to be asked for its version */
	enum class_reappear reappear;
	enum class_envelope envelope;
	bool strip_signatures; /* leave them out of what is sent */

	uint32_t connect_limit_s;
	uint32_t transfer_limit_s;
	uint32_t return_limit_s;
	uint32_t inventory_interval_s;

	/* Required tier of each step: 0 none, 1 Basic, 2 to 4: +1 to +3. */
	uint8_t tiers[CLASS_STEPS];

	enum class_validates validates;
	enum class_confirm confirm;
	uint32_t confirm_after_s;
	bool can_revert;
	bool can_resume;
	bool can_prove;
	int64_t end_of_support_s; /* Unix time; 0: none is known */
};

/* Presets of every setting that a class file may leave out. */
void class_init(struct device_class *c);

/* Checks the rules between settings and the engine's options.
 * 0, or ERR_CLASS_INVALID or the engine's code, with field and rule. */
int class_check(const struct device_class *c, struct fault *f);

/* The first rule that does not hold for this peer, or NULL; *ret_value is what
 * the peer has in its place, NULL when that is not known. It points into the
 * sight. */
const struct class_match *class_mismatch(const struct device_class *c,
	const struct peer_sight *sight, const char **ret_value);

/* True when there are rules and all of them hold for this peer. */
bool class_matches(const struct device_class *c,
	const struct peer_sight *sight);

/* The engine's slot for a component of a manifest; 0, or -ENOENT. */
int class_component_slot(const struct device_class *c, const char *component,
	uint32_t *ret);

/* Names as they stand in class files: "on_version", "same_key", "attribute".
 * The _read forms return 0 or -EINVAL. */
const char *class_validates_name(enum class_validates validates);
int class_validates_read(const char *name, enum class_validates *ret);
const char *class_confirm_name(enum class_confirm confirm);
const char *class_reappear_name(enum class_reappear reappear);
const char *class_hw_source_name(enum class_hw_source source);
const char *class_envelope_name(enum class_envelope envelope);
int class_confirm_read(const char *name, enum class_confirm *ret);
int class_reappear_read(const char *name, enum class_reappear *ret);
int class_hw_source_read(const char *name, enum class_hw_source *ret);
int class_envelope_read(const char *name, enum class_envelope *ret);

/* True when `text` fits `glob`: * any run, ? one character. */
bool class_glob_fits(const char *glob, const char *text);

#endif
