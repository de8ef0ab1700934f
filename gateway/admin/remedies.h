/* What helps against each failure: the one list, beside base/err_codes.h, which
 * has the codes themselves. docs/errors.md shows both. See remedy.h. */
#ifndef FERRY_GATEWAY_ADMIN_REMEDIES_H
#define FERRY_GATEWAY_ADMIN_REMEDIES_H

/* X(name, act, text): one thing that helps. `act` is what a person can do with the
 * job then. */
#define REMEDY_MAP(X) \
	X(SELF, NOTHING, "it is tried again by itself") \
	X(REQUEST, NOTHING, "correct the request: the field and the rule that it broke are named") \
	X(MAKERS, RETRY, "the log has more; when ferryctl retry does not help, tell the makers of Ferry") \
	X(DAMAGED, NOTHING, "it is damaged, or of a format that is newer: get it again from who made it") \
	X(NEWER_FERRY, NOTHING, "it needs a newer Ferry: update ferryd") \
	X(SETTING, RETRY, "correct the setting that is named (ferryd --check says file and line), reload; then ferryctl retry") \
	X(CLOCK, RETRY, "look at the clock: timedatectl, relay.clock of ferryd.conf; when it is right, ferryctl check") \
	X(MEMORY, RETRY, "make room in memory, then ferryctl retry; an own limit of the unit (MemoryMax=) may be too low") \
	X(DISK, RETRY, "make room below state_dir and look at the disk; then ferryctl retry") \
	X(FILE_RIGHTS, RETRY, "give ferryd's user the right to it (ls -l shows whose it is), then ferryctl retry") \
	X(SIGNED, NOTHING, "the vendor must sign it in a form that is accepted here and publish it again; that is taken by itself") \
	X(SIGNATURE, NOTHING, "it was changed on its way, or another key signed it: tell the vendor. Nothing of it is used; what is published well is taken by itself") \
	X(CERTIFICATE, NOTHING, "the vendor must sign with a certificate that may sign this (publishing.md) and publish again") \
	X(CERT_EXPIRED, RETRY, "the vendor must renew the certificate and sign anew (ferry-publish resign); is the clock right? timedatectl. Then ferryctl retry") \
	X(EVIDENCE, NOTHING, "ferryctl vendor show says which evidence is missing and who was asked; the vendor must provide it, or evidence_hosts of its file allow the host. Then it goes on by itself") \
	X(REVOKED, NOTHING, "never install it: who signed it is not trusted any more. The vendor must publish a release that another key signed; it is begun by itself") \
	X(RESPONDER, NOTHING, "the vendor's responder or CA must answer with good evidence; it is asked again by itself. ferryctl vendor show lists it") \
	X(ROOT, NOTHING, "the vendor must publish a good root (ferry-publish root); until then the one before counts") \
	X(ROOT_EXPIRED, NOTHING, "the vendor must publish a new root (ferry-publish root); is the clock right? timedatectl") \
	X(ROOT_BEHIND, NOTHING, "the vendor's server must have every root/N.cose, and vendors.d the root that was there before: find out who changed it") \
	X(CATALOG, NOTHING, "the vendor must publish a good catalog (ferry-publish catalog); until then the one before counts") \
	X(CATALOG_ROOT, NOTHING, "the vendor's newer root is fetched by itself; ferryctl check asks at once") \
	X(CATALOG_OLD, NOTHING, "the vendor's server, its CDN or somebody between hands out what was replaced: tell the vendor, who must publish with a higher sequence") \
	X(CATALOG_EXPIRED, NOTHING, "the vendor must publish a fresh catalog (ferry-publish catalog); is the clock right? timedatectl") \
	X(RELEASE, NOTHING, "the vendor must make the release anew; the next one is begun by itself") \
	X(RELEASE_NEWER, NOTHING, "the vendor must publish a newer release, which is begun by itself") \
	X(WITHDRAWN, NOTHING, "nothing is to be done here: the vendor took it back, and its next release is begun by itself") \
	X(AUTHOR, RETRY, "the vendor must have it signed by who may sign for this class (ferry-publish resign, root grant); then ferryctl retry") \
	X(PUBLISHED, NOTHING, "what the server hands out is not what was signed: the vendor must publish again, and look whether its server or CDN changes files") \
	X(TARGET, CLASSIFY, "device and release do not belong together: give the device its right class, or compare vendor_id and class_id of the class file") \
	X(HARDWARE, NOTHING, "the release is for other hardware: mend hw_source of the class where the revision is wrong or unknown, else the vendor must publish one for it") \
	X(TIER, RETRY, "release or link must be better, or tiers of the class ask for less; after a reload, ferryctl retry") \
	X(FLOOR, DOWNGRADE, "a device does not go back by itself: an admin may order it, or a newer release comes") \
	X(HEIR, NOTHING, "another vendor speaks for the class now (ferryctl vendors); its releases are begun by themselves") \
	X(AUTHORITY, NOTHING, "ferryctl vendors says who has the class; operations.md, When a vendor hands a class over, says what to do") \
	X(FACTS, RETRY, "a fact for the check was missing: ferryctl offers names the check. Mend it, then ferryctl retry") \
	X(ENCRYPTED_CLASS, RETRY, "set encrypted of the class to open (with decryption_keys of the vendor) or sealed, reload; then ferryctl retry") \
	X(CLASS_SLOT, RETRY, "add the component to components of the class file, reload; then ferryctl retry") \
	X(DECRYPTION, RETRY, "decryption_keys of the vendor's file must hold the key that the image is encrypted for; ask the vendor, reload, then ferryctl retry") \
	X(ED25519, NOTHING, "install a ferryd that was built with libsodium, or the vendor must sign by another algorithm, too") \
	X(BACKUP, NOTHING, "stop ferryd and put a backup back (operations.md, Backup); look at the disk") \
	X(SCHEMA, NOTHING, "install the ferryd that wrote the database, or a newer one") \
	X(IN_USE, NOTHING, "another program has the database open: stop it. Copy the database only by ferryctl backup") \
	X(UNLOCK, NOTHING, "find out why trust.db is absent or changed and put the backup back; only then ferryctl trust unlock") \
	X(LIST_FULL, NOTHING, "forget what is not needed any more: the list has a limit") \
	X(STOPPING, NOTHING, "ferryd is stopping: ask again when it is up") \
	X(QUOTA, NOTHING, "raise cache.quota_mb, or let open jobs end; it is tried again by itself") \
	X(FETCH_AGAIN, NOTHING, "it is fetched or verified again by itself; when that happens often, look at the disk") \
	X(URL, NOTHING, "correct the address in the vendor's file: link.url, or what is named") \
	X(PLAIN, NOTHING, "use https; plain http is for evidence alone") \
	X(DNS, NOTHING, "look at the name and at the resolver of this machine: resolvectl query HOST; it is tried again by itself") \
	X(ADDRESS, NOTHING, "when a private or local address is meant, list it in evidence_hosts") \
	X(NETWORK, NOTHING, "look at the network, the vendor's server and firewalls between; it is tried again by itself") \
	X(REPORTS_OFF, NOTHING, "set link.reports of the vendor's file to send reports") \
	X(TLS_FILE, NOTHING, "correct link.ca, link.certificate or link.key of the vendor's file, reload") \
	X(KEY_MODE, NOTHING, "chmod 600 the file; it must belong to ferryd's user or root") \
	X(TLS_SERVER, NOTHING, "the server's TLS is not what is allowed here: the vendor must mend it (vendor-https.md); somebody may stand between") \
	X(TLS_CERT, NOTHING, "the vendor's server must have a certificate of link.ca for its name; link.pins must name its key. Somebody may stand between") \
	X(TLS_RENEW, NOTHING, "the vendor must renew its server's certificate; is the clock right? timedatectl") \
	X(TLS_CLIENT, NOTHING, "link.certificate and link.key must be what the vendor gave this hub; renew them when they ran out") \
	X(TLS_REVOCATION, NOTHING, "the CA of the server must name a CRL or a responder, or revocation_tls of the vendor's file be off; see ferryctl vendor show") \
	X(SERVER, NOTHING, "the vendor's web server must be mended (vendor-https.md, What went wrong); it is asked again by itself") \
	X(ABSENT, NOTHING, "the vendor must publish the object; is link.url right? vendor-https.md lists the paths") \
	X(DENIED, NOTHING, "the vendor must let this hub in: the client certificate, link.url") \
	X(HOSTS, NOTHING, "list the host in evidence_hosts of the vendor's file when it may be asked") \
	X(DELIVERY, RETRY, "look at range, power and interference between hub and device; then ferryctl retry") \
	X(LINK_SECURITY, NOTHING, "pair the device, or let the class ask for less") \
	X(DRIVER, RETRY, "the log says what the driver did; the link is opened again by itself, then ferryctl retry. Tell the driver's maker") \
	X(DRIVER_FILE, NOTHING, "install a driver that fits this ferryd; drivers.folder and all above it must be root's alone") \
	X(DRIVER_NEEDS, NOTHING, "use another driver or link for it: this one cannot do what is needed") \
	X(LINK_SETTING, NOTHING, "correct params of the link's file (ferryd --check says file and line), reload") \
	X(ENGINE, RETRY, "correct engine or options of the class file (ferryd --check), reload; then ferryctl retry") \
	X(CONNECT, RETRY, "is the device switched on and in reach, is its link up? ferryctl links; then ferryctl retry") \
	X(CLASS_FILE, RETRY, "correct the class file (ferryd --check), reload; then ferryctl retry") \
	X(SIGHT, NOTHING, "the driver reports a peer without a usable key: tell its maker") \
	X(CANDIDATES, NOTHING, "ferryctl candidates lists what can be enrolled; LINK:KEY says which where two links see the same") \
	X(CLASSES, CLASSIFY, "ferryctl classes lists the classes; give the device one that is there, or put the class file back and reload") \
	X(DEVICES, NOTHING, "ferryctl devices lists the devices") \
	X(DEVICE_ID, NOTHING, "choose an id of a-z 0-9 . _ - that no other device has") \
	X(DEVICES_FULL, NOTHING, "forget devices that are gone: ferryctl forget") \
	X(PEER_TAKEN, NOTHING, "ferryctl devices shows whose it is; forget or replace that one first") \
	X(IMAGE_FORM, NOTHING, "the image is not what devices of the class take: the vendor must publish another one, which is begun by itself; is the class right?") \
	X(DEVICE_ODD, RETRY, "look at framing and baud of class and link, and whether another program speaks to the device; then ferryctl retry") \
	X(DEVICE_SILENT, RETRY, "is it switched on and connected, are framing and baud right, does another program hold the port? Then ferryctl retry") \
	X(DEVICE_REFUSES, RETRY, "the device says why (device said); restart it, then ferryctl retry. When it refuses again, the release does not suit it") \
	X(DEVICE_BUSY, RETRY, "wait until the device has done its work, or restart it; then ferryctl retry") \
	X(DEVICE_SMALL, NOTHING, "the device's firmware takes no uploads of this size: max_message of the class may help") \
	X(NOT_CONFIRMED, RETRY, "the image that it runs was not confirmed yet: let it confirm (confirm of the class), or restart it; then ferryctl retry") \
	X(DEVICE_NEWER, NOTHING, "the device itself takes no version that is not newer: the vendor must publish a newer one, which is begun by itself") \
	X(DEVICE_RETURN, RETRY, "look at the device: power, cable, does it start? Then ferryctl retry") \
	X(REVERTED, RETRY, "the new firmware did not come up or did not answer: tell the vendor. ferryctl retry tries the same release once more; a newer one is begun by itself") \
	X(BOOT_REFUSED, NOTHING, "the bootloader does not take it: the vendor must sign it for this device's bootloader. The next release is begun by itself; is the class right?") \
	X(EXPECT, NOTHING, "what the release promises is not what its image is: the vendor must correct expect of the release, or look who else updates the device") \
	X(OTHER_IMAGE, RETRY, "something else updates the device, or the vendor's expect is wrong; look at it, then ferryctl retry") \
	X(READ_BACK, RETRY, "look at the device: what does it run? It can be read again by ferryctl retry; a class whose devices cannot tell says can_prove = false") \
	X(JOB_STATES, NOTHING, "ferryctl job shows its state, operations.md what can be done in it") \
	X(JOB_OPEN, NOTHING, "the device has an open job: ferryctl jobs --open; ferryctl cancel ends it") \
	X(TRIES, RETRY, "all tries are used up: mend what failed, then ferryctl retry") \
	X(RECHECK, NOTHING, "ferryctl offers shows what the release fails now; the vendor's next one is begun by itself") \
	X(NOTHING_TO_DO, NOTHING, "nothing is to be done") \
	X(ONE_IMAGE, NOTHING, "the vendor must publish releases with one image for the class") \
	X(DECLINED, RETRY, "who changed their mind says ferryctl retry") \
	X(NOT_READ, NOTHING, "the device is read by itself when it is there: ferryctl devices, ferryctl links; a sleeper when it wakes") \
	X(TRANSFER_LIMIT, RETRY, "raise transfer_limit_s of the class, or look at the link; the device keeps what it has, and ferryctl retry goes on there") \
	X(OTA_FILE, NOTHING, "the vendor must publish a whole ZigBee OTA file (ferry-publish show FILE says what is wrong); the next release is begun by itself") \
	X(QUIRKS, NOTHING, "correct the row that is named: network.quirks of the link, or tell the vendor of the catalog; then reload") \
	X(ZIGBEE_SILENT, RETRY, "has it power, is it in range, is a router near it? Wake a sleeper. It keeps what it has, and ferryctl retry goes on there") \
	X(ZIGBEE_ABORTED, RETRY, "a low battery, no room or a lost network are common: look at the device, then ferryctl retry") \
	X(ZIGBEE_REFUSED, NOTHING, "the device does not take this image: the vendor must publish another one, which is begun by itself. Is the class right? ferryctl device show") \
	X(ZIGBEE_OLD, RETRY, "it took the image and started the old one: power, battery? Then ferryctl retry; when that ends so again, the release does not suit it") \
	X(ZIGBEE_NOT_FOR, CLASSIFY, "give the device the class that it is of (ferryctl device show has its manufacturer and image type); else the vendor must publish an image for it") \
	X(ZIGBEE_DOWNGRADE, DOWNGRADE, "an admin may order the older version, where the class lets it (downgrade) and the device takes it; else a newer release comes") \
	X(BROKER, RETRY, "does the MQTT broker run, are url and credentials of the link right? ferryctl links; then ferryctl retry") \
	X(OWNER_AWAY, RETRY, "does zigbee2mqtt run, and with this broker and topic? Then ferryctl retry") \
	X(OWNER_ANSWER, RETRY, "its version may not be one that Ferry was tested with (zigbee.md, zigbee2mqtt); look at its log, then ferryctl retry") \
	X(OWNER_FAILED, RETRY, "its own words are above and in its log; look at the device, then ferryctl retry") \
	X(COPY, RETRY, "folder of the link must have room, be ferryd's to write, and be named in ReadWritePaths= of the unit; then ferryctl retry") \
	X(COPY_CHANGED, NOTHING, "somebody can write to the folder of the link: find out who, before you ferryctl retry") \
	X(LASTHOP, RETRY, "the vendor's hub-keys and device_keys of its file must have this device; ferry-publish hub-keys makes them. Then ferryctl retry") \
	X(KEY_FILE, NOTHING, "the file or token of the secret key must be right: docs/operations.md, decryption_keys; publishing.md, keys") \
	X(TOKEN, RETRY, "look at the token: is it plugged in, is its PIN right, is it locked? Then try again") \
	X(PORT_GONE, RETRY, "plug it in again, or correct port of the link; it is opened by itself") \
	X(ROLE, NOTHING, "roles are given in ferryd.conf, in the group admin") \
	X(ASK_AGAIN, NOTHING, "ask again in a moment") \
	X(OTHER_FERRYD, NOTHING, "a ferryd runs already: stop it, or give this one another admin.socket and state_dir") \
	X(SOCKET_FILE, NOTHING, "remove the file, or choose another admin.socket")

/* X(code, remedy): every code of ERR_MAP, in its order. */
#define REMEDY_CODES_BASE(X) \
	X(CBOR_TRUNCATED, DAMAGED) \
	X(CBOR_TYPE, DAMAGED) \
	X(CBOR_NOT_SHORTEST, DAMAGED) \
	X(CBOR_INDEFINITE, DAMAGED) \
	X(CBOR_DEPTH, DAMAGED) \
	X(CBOR_COUNT, DAMAGED) \
	X(CBOR_KEY_ORDER, DAMAGED) \
	X(CBOR_KEY_TWICE, DAMAGED) \
	X(CBOR_TRAILING, DAMAGED) \
	X(CBOR_SIMPLE, DAMAGED) \
	X(CBOR_UTF8, DAMAGED) \
	X(CBOR_RANGE, DAMAGED) \
	X(CBOR_RESERVED, DAMAGED) \
	X(TOO_LARGE, DAMAGED)

#define REMEDY_CODES_TRUST(X) \
	X(TRUST_CRYPTO, MAKERS) \
	X(TRUST_COSE_FORM, SIGNED) \
	X(TRUST_COSE_TAG, SIGNED) \
	X(TRUST_COSE_ALG, SIGNED) \
	X(TRUST_COSE_ALG_UNPROTECTED, SIGNED) \
	X(TRUST_COSE_CRIT, SIGNED) \
	X(TRUST_COSE_ATTACHED, SIGNED) \
	X(TRUST_COSE_DETACHED, SIGNED) \
	X(TRUST_COSE_KID, SIGNED) \
	X(TRUST_COSE_KEY, SIGNED) \
	X(TRUST_COSE_KEY_CURVE, SIGNED) \
	X(TRUST_COSE_SIGNATURE, SIGNATURE) \
	X(TRUST_COSE_MAC, SIGNATURE) \
	X(TRUST_CERT_FORM, CERTIFICATE) \
	X(TRUST_CERT_CHAIN, CERTIFICATE) \
	X(TRUST_CERT_EXPIRED, CERT_EXPIRED) \
	X(TRUST_CERT_NOT_YET, CLOCK) \
	X(TRUST_CERT_USAGE, CERTIFICATE) \
	X(TRUST_CERT_EKU, CERTIFICATE) \
	X(TRUST_CERT_COUNT, CERTIFICATE) \
	X(TRUST_CERT_ALG, CERTIFICATE) \
	X(TRUST_REVOCATION_MISSING, EVIDENCE) \
	X(TRUST_NEGATIVE_KEY, NEWER_FERRY) \
	X(TRUST_ROOT_FORM, ROOT) \
	X(TRUST_ROOT_VERSION, ROOT) \
	X(TRUST_ROOT_EPOCH, ROOT) \
	X(TRUST_ROOT_THRESHOLD, ROOT) \
	X(TRUST_ROOT_THRESHOLD_OLD, ROOT) \
	X(TRUST_ROOT_KEY_TWICE, ROOT) \
	X(TRUST_ROOT_ROLE, ROOT) \
	X(TRUST_ROOT_EXPIRED, ROOT_EXPIRED) \
	X(TRUST_ROOT_NOT_YET, CLOCK) \
	X(TRUST_ROOT_BEHIND, ROOT_BEHIND) \
	X(TRUST_CATALOG_FORM, CATALOG) \
	X(TRUST_CATALOG_THRESHOLD, CATALOG) \
	X(TRUST_CATALOG_ROOT, CATALOG_ROOT) \
	X(TRUST_CATALOG_EPOCH, CATALOG) \
	X(TRUST_CATALOG_ROLLBACK, CATALOG_OLD) \
	X(TRUST_CATALOG_TWIN, CATALOG_OLD) \
	X(TRUST_CATALOG_EXPIRED, CATALOG_EXPIRED) \
	X(TRUST_CATALOG_NOT_YET, CLOCK) \
	X(TRUST_CATALOG_ENTRY_TWICE, CATALOG) \
	X(TRUST_SUIT_FORM, RELEASE) \
	X(TRUST_SUIT_UNTAGGED, RELEASE) \
	X(TRUST_SUIT_TAG, RELEASE) \
	X(TRUST_SUIT_NO_WRAPPER, RELEASE) \
	X(TRUST_SUIT_NO_MANIFEST, RELEASE) \
	X(TRUST_SUIT_NO_SIGNATURE, RELEASE) \
	X(TRUST_SUIT_MAC_ONLY, RELEASE) \
	X(TRUST_SUIT_DIGEST, RELEASE) \
	X(TRUST_SUIT_DIGEST_ALG, RELEASE) \
	X(TRUST_SUIT_SEVERED, RELEASE) \
	X(TRUST_SUIT_SEVERED_ABSENT, RELEASE) \
	X(TRUST_SUIT_VERSION, RELEASE) \
	X(TRUST_SUIT_COMMAND, RELEASE) \
	X(TRUST_SUIT_CUSTOM, RELEASE) \
	X(TRUST_SUIT_PARAMETER, RELEASE) \
	X(TRUST_SUIT_COMPONENT, RELEASE) \
	X(TRUST_SUIT_DEPENDENCY, RELEASE) \
	X(TRUST_SUIT_INTEGRATED, RELEASE) \
	X(TRUST_SUIT_ENCRYPTED, ENCRYPTED_CLASS) \
	X(TRUST_SUIT_NO_VENDOR, RELEASE) \
	X(TRUST_SUIT_NO_CLASS, RELEASE) \
	X(TRUST_SUIT_VENDOR, TARGET) \
	X(TRUST_SUIT_CLASS, TARGET) \
	X(TRUST_SUIT_DEVICE, TARGET) \
	X(TRUST_SUIT_CONDITION, RELEASE) \
	X(TRUST_SUIT_CONDITION_UNKNOWN, RELEASE) \
	X(TRUST_SUIT_NOTHING, RELEASE) \
	X(TRUST_SUIT_NO_SLOT, CLASS_SLOT) \
	X(TRUST_SUIT_NOT_EXECUTED, RELEASE) \
	X(TRUST_SUIT_NO_DIGEST, RELEASE) \
	X(TRUST_SUIT_USE_BEFORE, RELEASE_NEWER) \
	X(TRUST_SUIT_SEQUENCE, FLOOR) \
	X(TRUST_OFFER_AUTHOR, AUTHOR) \
	X(TRUST_OFFER_THRESHOLD, AUTHOR) \
	X(TRUST_OFFER_SCOPE, AUTHOR) \
	X(TRUST_OFFER_UNLISTED, WITHDRAWN) \
	X(TRUST_OFFER_ENVELOPE, PUBLISHED) \
	X(TRUST_OFFER_MANIFEST, PUBLISHED) \
	X(TRUST_OFFER_SEQUENCE, PUBLISHED) \
	X(TRUST_OFFER_TARGET, TARGET) \
	X(TRUST_OFFER_HARDWARE, HARDWARE) \
	X(TRUST_OFFER_WITHDRAWN, WITHDRAWN) \
	X(TRUST_OFFER_PAYLOAD, PUBLISHED) \
	X(TRUST_OFFER_PAYLOAD_LEN, PUBLISHED) \
	X(TRUST_OFFER_PAYLOAD_DIGEST, PUBLISHED) \
	X(TRUST_OFFER_TIER, TIER) \
	X(TRUST_OFFER_TRANSFERRED, HEIR) \
	X(TRUST_OFFER_INCOMPLETE, FACTS)

#define REMEDY_CODES_GATES(X) \
	X(GATE_WINDOW, SETTING) \
	X(GATE_BUDGET, TRIES) \
	X(GATE_APPROVAL, SETTING)

#define REMEDY_CODES_STORE(X) \
	X(STORE_DAMAGED, BACKUP) \
	X(STORE_SCHEMA, SCHEMA) \
	X(STORE_BUSY, IN_USE) \
	X(STORE_LOCKED, UNLOCK) \
	X(STORE_FLOOR, CATALOG_OLD) \
	X(STORE_CONFLICT, CATALOG_OLD) \
	X(STORE_FULL, LIST_FULL) \
	X(STORE_ROW, MAKERS) \
	X(STORE_SQL, MAKERS) \
	X(STORE_CLOSED, STOPPING) \
	X(STORE_QUOTA, QUOTA) \
	X(STORE_LENGTH, PUBLISHED) \
	X(STORE_DIGEST, PUBLISHED) \
	X(STORE_UNVERIFIED, FETCH_AGAIN) \
	X(STORE_ROTTEN_BLOB, FETCH_AGAIN) \
	X(STORE_ROTTEN_TABLE, FETCH_AGAIN)

#define REMEDY_CODES_VENDOR(X) \
	X(VENDOR_URL, URL) \
	X(VENDOR_PLAIN, PLAIN) \
	X(VENDOR_RESOLVE, DNS) \
	X(VENDOR_ADDRESS, ADDRESS) \
	X(VENDOR_CONNECT_TIMEOUT, NETWORK) \
	X(VENDOR_CLOSED, NETWORK) \
	X(VENDOR_QUEUE, SELF) \
	X(VENDOR_NO_REPORTS, REPORTS_OFF) \
	X(VENDOR_SIZE, PUBLISHED) \
	X(VENDOR_TLS_FILE, TLS_FILE) \
	X(VENDOR_TLS_KEY_MODE, KEY_MODE) \
	X(VENDOR_TLS_KEY_PAIR, TLS_FILE) \
	X(VENDOR_TLS_PROTOCOL, TLS_SERVER) \
	X(VENDOR_TLS_VERSION, TLS_SERVER) \
	X(VENDOR_TLS_UNTRUSTED, TLS_CERT) \
	X(VENDOR_TLS_NAME, TLS_CERT) \
	X(VENDOR_TLS_EXPIRED, TLS_RENEW) \
	X(VENDOR_TLS_NOT_YET, CLOCK) \
	X(VENDOR_TLS_PIN, TLS_CERT) \
	X(VENDOR_TLS_WEAK, TLS_SERVER) \
	X(VENDOR_TLS_USAGE, TLS_SERVER) \
	X(VENDOR_TLS_CLIENT_CERT, TLS_CLIENT) \
	X(VENDOR_TLS_REFUSED, TLS_SERVER) \
	X(VENDOR_TLS_RECORD, NETWORK) \
	X(VENDOR_TLS_REVOCATION, TLS_REVOCATION) \
	X(VENDOR_HTTP_SYNTAX, SERVER) \
	X(VENDOR_HTTP_HEAD, SERVER) \
	X(VENDOR_HTTP_LENGTH, SERVER) \
	X(VENDOR_HTTP_LARGE, SERVER) \
	X(VENDOR_HTTP_TRUNCATED, NETWORK) \
	X(VENDOR_HTTP_SURPLUS, SERVER) \
	X(VENDOR_HTTP_RANGE, SERVER) \
	X(VENDOR_HTTP_CODING, SERVER) \
	X(VENDOR_HTTP_REDIRECT, SERVER) \
	X(VENDOR_HTTP_REDIRECTS, SERVER) \
	X(VENDOR_HTTP_HEAD_TIMEOUT, NETWORK) \
	X(VENDOR_HTTP_SLOW, NETWORK) \
	X(VENDOR_HTTP_TIMEOUT, NETWORK) \
	X(VENDOR_HTTP_ABSENT, ABSENT) \
	X(VENDOR_HTTP_DENIED, DENIED) \
	X(VENDOR_HTTP_BUSY, SELF) \
	X(VENDOR_HTTP_SERVER, SERVER) \
	X(VENDOR_HTTP_STATUS, SERVER) \
	X(VENDOR_HOST, HOSTS)

#define REMEDY_CODES_TRANSPORT(X) \
	X(TRANSPORT_NOT_DELIVERED, DELIVERY) \
	X(TRANSPORT_NOT_NOW, SELF) \
	X(TRANSPORT_SECURITY, LINK_SECURITY) \
	X(TRANSPORT_DRIVER_DIED, DRIVER) \
	X(TRANSPORT_CONTRACT, DRIVER) \
	X(TRANSPORT_ABI, DRIVER_FILE) \
	X(TRANSPORT_OPERATION, DRIVER_FILE) \
	X(TRANSPORT_NEEDS, DRIVER_NEEDS) \
	X(TRANSPORT_UNTRUSTED, DRIVER_FILE) \
	X(TRANSPORT_LOAD, DRIVER_FILE) \
	X(TRANSPORT_PARAMETER, LINK_SETTING)

#define REMEDY_CODES_DEVICES(X) \
	X(ENGINE_OPTION, ENGINE) \
	X(ENGINE_UNKNOWN, ENGINE) \
	X(ENGINE_NO_LINK, CONNECT) \
	X(CLASS_INVALID, CLASS_FILE) \
	X(REGISTRY_SIGHT, SIGHT) \
	X(REGISTRY_FULL, DEVICES_FULL) \
	X(REGISTRY_NO_PEER, CANDIDATES) \
	X(REGISTRY_MANY_PEERS, CANDIDATES) \
	X(REGISTRY_NO_CLASS, CLASSES) \
	X(REGISTRY_NO_DEVICE, DEVICES) \
	X(REGISTRY_ID, DEVICE_ID) \
	X(REGISTRY_ID_TAKEN, DEVICE_ID) \
	X(REGISTRY_PEER_TAKEN, PEER_TAKEN) \
	X(MCUBOOT_MAGIC, IMAGE_FORM) \
	X(MCUBOOT_HEADER, IMAGE_FORM) \
	X(MCUBOOT_TLV, IMAGE_FORM) \
	X(MCUBOOT_TRUNCATED, IMAGE_FORM) \
	X(MCUBOOT_NO_HASH, IMAGE_FORM) \
	X(MCUBOOT_HASH, IMAGE_FORM) \
	X(SMP_ANSWER, DEVICE_ODD) \
	X(SMP_TIMEOUT, DEVICE_SILENT) \
	X(SMP_STATUS, DEVICE_REFUSES) \
	X(SMP_BUSY, DEVICE_BUSY) \
	X(SMP_NO_MEMORY, DEVICE_BUSY) \
	X(SMP_TOO_SMALL, DEVICE_SMALL) \
	X(SMP_NO_FREE_SLOT, NOT_CONFIRMED) \
	X(SMP_PENDING, DEVICE_RETURN) \
	X(SMP_DOWNGRADE, DEVICE_NEWER) \
	X(SMP_IMAGE_REFUSED, BOOT_REFUSED) \
	X(SMP_FOREIGN_UPLOAD, DEVICE_ODD) \
	X(SMP_RESTARTS, DELIVERY) \
	X(SMP_MATCH, DELIVERY) \
	X(SMP_HASH, EXPECT) \
	X(SMP_RESET_REFUSED, DEVICE_BUSY) \
	X(SMP_NOT_RESTARTED, DEVICE_RETURN) \
	X(SMP_NO_RETURN, DEVICE_RETURN) \
	X(SMP_REVERTED, REVERTED) \
	X(SMP_BOOT_REFUSED, BOOT_REFUSED) \
	X(SMP_OTHER_IMAGE, OTHER_IMAGE) \
	X(SMP_NOT_CONFIRMED, DEVICE_RETURN) \
	X(SMP_NO_READ_BACK, READ_BACK) \
	X(SMP_IMAGE_BYTES, FETCH_AGAIN) \
	X(SMP_BAD_EXPECT, EXPECT)

#define REMEDY_CODES_RELAY(X) \
	X(JOB_STATE, JOB_STATES) \
	X(JOB_EXISTS, JOB_OPEN) \
	X(JOB_BUDGET, TRIES) \
	X(JOB_NO_ENGINE, ENGINE) \
	X(JOB_LINK_LOST, CONNECT) \
	X(JOB_NO_LINK, CONNECT) \
	X(JOB_TIMEOUT, DEVICE_RETURN) \
	X(JOB_RECHECK, RECHECK) \
	X(JOB_NOTHING, NOTHING_TO_DO) \
	X(JOB_TIER, TIER) \
	X(RELAY_SHUTDOWN, STOPPING) \
	X(RELEASE_IMAGES, ONE_IMAGE) \
	X(JOB_DECLINED, DECLINED) \
	X(JOB_NOT_READ, NOT_READ) \
	X(JOB_NOT_PROVED, READ_BACK) \
	X(JOB_OTHER_IMAGE, WITHDRAWN) \
	X(JOB_TRANSFER_LIMIT, TRANSFER_LIMIT)

#define REMEDY_CODES_CONFIG(X) \
	X(CONFIG_SYNTAX, SETTING) \
	X(CONFIG_TYPE, SETTING) \
	X(CONFIG_RANGE, SETTING) \
	X(CONFIG_VALUE, SETTING) \
	X(CONFIG_UNKNOWN, SETTING) \
	X(CONFIG_MISSING, SETTING) \
	X(CONFIG_TWICE, SETTING) \
	X(CONFIG_REFERENCE, SETTING) \
	X(CONFIG_PERMISSION, FILE_RIGHTS)

#define REMEDY_CODES_ADMIN(X) \
	X(ADMIN_REQUEST, REQUEST) \
	X(ADMIN_HEAD_SIZE, REQUEST) \
	X(ADMIN_BODY_SIZE, REQUEST) \
	X(ADMIN_NOT_FOUND, REQUEST) \
	X(ADMIN_METHOD, REQUEST) \
	X(ADMIN_ROLE, ROLE) \
	X(ADMIN_MEDIA_TYPE, REQUEST) \
	X(ADMIN_JSON, REQUEST) \
	X(ADMIN_FIELD, REQUEST) \
	X(ADMIN_TIMEOUT, ASK_AGAIN) \
	X(ADMIN_BUSY, ASK_AGAIN) \
	X(ADMIN_STOPPING, STOPPING) \
	X(ADMIN_SOCKET_LIVE, OTHER_FERRYD) \
	X(ADMIN_SOCKET_TAKEN, SOCKET_FILE) \
	X(ADMIN_STATE, REQUEST)

#define REMEDY_CODES_REVOCATION(X) \
	X(TRUST_REVOKED, REVOKED) \
	X(TRUST_REVOCATION_NONE, EVIDENCE) \
	X(TRUST_REVOCATION_STALE, EVIDENCE) \
	X(TRUST_REVOCATION_NOT_YET, CLOCK) \
	X(TRUST_REVOCATION_UNKNOWN, RESPONDER) \
	X(TRUST_REVOCATION_ANCHOR, ROOT) \
	X(TRUST_REVOCATION_NEEDS, RELEASE) \
	X(TRUST_EVIDENCE_UNNEEDED, RESPONDER) \
	X(TRUST_EVIDENCE_SIZE, RESPONDER) \
	X(TRUST_CRL_FORM, RESPONDER) \
	X(TRUST_CRL_VERSION, RESPONDER) \
	X(TRUST_CRL_ISSUER, RESPONDER) \
	X(TRUST_CRL_USAGE, RESPONDER) \
	X(TRUST_CRL_SIGNATURE, RESPONDER) \
	X(TRUST_CRL_ALG, RESPONDER) \
	X(TRUST_CRL_NUMBER, RESPONDER) \
	X(TRUST_CRL_ROLLBACK, RESPONDER) \
	X(TRUST_CRL_NEXT_UPDATE, RESPONDER) \
	X(TRUST_CRL_PARTIAL, RESPONDER) \
	X(TRUST_CRL_CRITICAL, RESPONDER) \
	X(TRUST_CRL_ENTRY_CRITICAL, RESPONDER) \
	X(TRUST_OCSP_FORM, RESPONDER) \
	X(TRUST_OCSP_STATUS, RESPONDER) \
	X(TRUST_OCSP_TYPE, RESPONDER) \
	X(TRUST_OCSP_OTHER, RESPONDER) \
	X(TRUST_OCSP_TWICE, RESPONDER) \
	X(TRUST_OCSP_RESPONDER, RESPONDER) \
	X(TRUST_OCSP_DELEGATE, RESPONDER) \
	X(TRUST_OCSP_SIGNATURE, RESPONDER) \
	X(TRUST_OCSP_ALG, RESPONDER) \
	X(TRUST_OCSP_DATES, RESPONDER) \
	X(TRUST_OCSP_NEXT_UPDATE, RESPONDER) \
	X(TRUST_OCSP_VALIDITY, RESPONDER) \
	X(TRUST_OCSP_NONCE, RESPONDER) \
	X(TRUST_OCSP_CRITICAL, RESPONDER) \
	X(TRUST_OCSP_REPLAY, RESPONDER)

#define REMEDY_CODES_HSS(X) \
	X(TRUST_HSS_KEY, ROOT) \
	X(TRUST_HSS_FORM, SIGNED) \
	X(TRUST_HSS_TYPE, SIGNED) \
	X(TRUST_HSS_SIGNATURE, SIGNATURE) \
	X(TRUST_ED25519_ABSENT, ED25519)

#define REMEDY_CODES_SIGNERS(X) \
	X(TRUST_SIGNERS_ROLE, ROOT) \
	X(TRUST_SIGNERS_MISSING, AUTHOR) \
	X(TRUST_SIGNERS_ALG, AUTHOR) \
	X(AUTHORITY_HEIR, AUTHORITY) \
	X(AUTHORITY_LOST, AUTHORITY) \
	X(AUTHORITY_UNPROVED, AUTHORITY) \
	X(AUTHORITY_NOT_TAKEN, AUTHORITY)

#define REMEDY_CODES_ENCRYPT(X) \
	X(TRUST_ENCRYPT_FORM, RELEASE) \
	X(TRUST_ENCRYPT_CIPHER, RELEASE) \
	X(TRUST_ENCRYPT_ATTACHED, RELEASE) \
	X(TRUST_ENCRYPT_RECIPIENT, RELEASE) \
	X(TRUST_ENCRYPT_NO_KEY, DECRYPTION) \
	X(TRUST_ENCRYPT_UNWRAP, DECRYPTION) \
	X(TRUST_ENCRYPT_LENGTH, PUBLISHED) \
	X(TRUST_ENCRYPT_TAG, PUBLISHED) \
	X(TRUST_ENCRYPT_PLAIN, PUBLISHED) \
	X(TRUST_ENCRYPT_SEALED, PUBLISHED)

#define REMEDY_CODES_KEYS(X) \
	X(KEYS_FORM, KEY_FILE) \
	X(KEYS_PERMISSION, KEY_MODE) \
	X(KEYS_KIND, KEY_FILE) \
	X(KEYS_CREDENTIAL, KEY_FILE) \
	X(KEYS_URI, KEY_FILE) \
	X(KEYS_MODULE, KEY_FILE) \
	X(KEYS_PIN, TOKEN) \
	X(KEYS_NOT_FOUND, TOKEN) \
	X(KEYS_TOKEN, TOKEN)

#define REMEDY_CODES_LASTHOP(X) \
	X(LASTHOP_FORM, LASTHOP) \
	X(LASTHOP_LAYOUT, LASTHOP) \
	X(LASTHOP_HUB, LASTHOP) \
	X(LASTHOP_NO_MAC, LASTHOP) \
	X(LASTHOP_EPOCH, LASTHOP) \
	X(LASTHOP_IMAGE, PUBLISHED) \
	X(LASTHOP_NO_KEY, LASTHOP) \
	X(LASTHOP_KEYS, LASTHOP) \
	X(LASTHOP_MODE, KEY_MODE)

#define REMEDY_CODES_ZIGBEE(X) \
	X(ZCL_TRUNCATED, DEVICE_ODD) \
	X(ZCL_FRAME_TYPE, DEVICE_ODD) \
	X(ZCL_COMMAND, DEVICE_ODD) \
	X(ZCL_FIELD, DEVICE_ODD) \
	X(ZCL_TYPE, DEVICE_ODD) \
	X(OTA_FILE_MAGIC, OTA_FILE) \
	X(OTA_FILE_HEADER, OTA_FILE) \
	X(OTA_FILE_SIZE, OTA_FILE) \
	X(OTA_FILE_ELEMENT, OTA_FILE) \
	X(QUIRKS_FORM, QUIRKS) \
	X(QUIRKS_WORD, QUIRKS) \
	X(QUIRKS_VALUE, QUIRKS) \
	X(ZIGBEE_OPTIONS, SETTING) \
	X(ZIGBEE_SILENT, ZIGBEE_SILENT) \
	X(ZIGBEE_ABORTED, ZIGBEE_ABORTED) \
	X(ZIGBEE_REFUSED, ZIGBEE_REFUSED) \
	X(ZIGBEE_OLD_VERSION, ZIGBEE_OLD) \
	X(ZIGBEE_OTHER_VERSION, OTHER_IMAGE) \
	X(ZIGBEE_GONE, DEVICE_RETURN) \
	X(ZIGBEE_NOT_FOR, ZIGBEE_NOT_FOR) \
	X(ZIGBEE_DOWNGRADE, ZIGBEE_DOWNGRADE) \
	X(ZIGBEE_NO_ANSWER, ZIGBEE_SILENT) \
	X(ZIGBEE_GAVE_UP, ZIGBEE_ABORTED)

#define REMEDY_CODES_DELEGATE(X) \
	X(DELEGATE_BROKER, BROKER) \
	X(DELEGATE_AWAY, OWNER_AWAY) \
	X(DELEGATE_ANSWER, OWNER_ANSWER) \
	X(DELEGATE_REFUSED, OWNER_FAILED) \
	X(DELEGATE_FAILED, OWNER_FAILED) \
	X(DELEGATE_COPY, COPY) \
	X(DELEGATE_CHANGED, COPY_CHANGED)

#define REMEDY_CODES(X) \
	REMEDY_CODES_BASE(X) \
	REMEDY_CODES_TRUST(X) \
	REMEDY_CODES_GATES(X) \
	REMEDY_CODES_STORE(X) \
	REMEDY_CODES_VENDOR(X) \
	REMEDY_CODES_TRANSPORT(X) \
	REMEDY_CODES_DEVICES(X) \
	REMEDY_CODES_RELAY(X) \
	REMEDY_CODES_CONFIG(X) \
	REMEDY_CODES_ADMIN(X) \
	REMEDY_CODES_REVOCATION(X) \
	REMEDY_CODES_HSS(X) \
	REMEDY_CODES_SIGNERS(X) \
	REMEDY_CODES_ENCRYPT(X) \
	REMEDY_CODES_KEYS(X) \
	REMEDY_CODES_LASTHOP(X) \
	REMEDY_CODES_ZIGBEE(X) \
	REMEDY_CODES_DELEGATE(X)

/* X(errno, remedy): what the system says; the rest is by class. */
#define REMEDY_ERRNOS(X) \
	X(ENOSPC, DISK) \
	X(EDQUOT, DISK) \
	X(EROFS, DISK) \
	X(EFBIG, DISK) \
	X(ENOMEM, MEMORY) \
	X(ENOBUFS, MEMORY) \
	X(EMFILE, MEMORY) \
	X(ENFILE, MEMORY) \
	X(EACCES, FILE_RIGHTS) \
	X(EPERM, FILE_RIGHTS) \
	X(ENODEV, PORT_GONE) \
	X(ENXIO, PORT_GONE) \
	X(EHOSTUNREACH, CONNECT) \
	X(ENETUNREACH, NETWORK) \
	X(ECONNREFUSED, NETWORK) \
	X(ECONNRESET, NETWORK) \
	X(ETIMEDOUT, CONNECT) \
	X(ENOTCONN, CONNECT)

#endif
