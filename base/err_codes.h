/* The one list of our error codes; see base/err.h. docs/errors.md is made from
 * it by scripts/errors. */
#ifndef FERRY_BASE_ERR_CODES_H
#define FERRY_BASE_ERR_CODES_H

/* X(name, number, class, text) */
#define ERR_MAP_BASE(X) \
	X(CBOR_TRUNCATED, -5001, PERMANENT, "CBOR item runs past the end of the input") \
	X(CBOR_TYPE, -5002, PERMANENT, "CBOR item is of another type than the format says") \
	X(CBOR_NOT_SHORTEST, -5003, PERMANENT, "CBOR head is not in its shortest form") \
	X(CBOR_INDEFINITE, -5004, PERMANENT, "CBOR indefinite length is not allowed here") \
	X(CBOR_DEPTH, -5005, PERMANENT, "CBOR nests deeper than allowed") \
	X(CBOR_COUNT, -5006, PERMANENT, "CBOR count is more than the input can hold") \
	X(CBOR_KEY_ORDER, -5007, PERMANENT, "CBOR map keys are not in deterministic order") \
	X(CBOR_KEY_TWICE, -5008, PERMANENT, "CBOR map has the same key twice") \
	X(CBOR_TRAILING, -5009, PERMANENT, "bytes follow the end of the CBOR item") \
	X(CBOR_SIMPLE, -5010, PERMANENT, "CBOR simple value or float is not allowed here") \
	X(CBOR_UTF8, -5011, PERMANENT, "CBOR text is not valid UTF-8") \
	X(CBOR_RANGE, -5012, PERMANENT, "CBOR number is out of range") \
	X(CBOR_RESERVED, -5013, PERMANENT, "CBOR head uses a reserved value") \
	X(TOO_LARGE, -5020, PERMANENT, "larger than the limit of this field")

/* Each room keeps its own codes in its own block. */
#define ERR_MAP_TRUST(X) \
	X(TRUST_CRYPTO, -5101, PERMANENT, "the crypto library failed") \
	X(TRUST_COSE_FORM, -5102, PERMANENT, "not a well-formed COSE message") \
	X(TRUST_COSE_TAG, -5103, PERMANENT, "the CBOR tag is not the one of this COSE message") \
	X(TRUST_COSE_ALG, -5104, SECURITY, "the algorithm is not accepted") \
	X(TRUST_COSE_ALG_UNPROTECTED, -5105, SECURITY, "the algorithm is not in the protected header") \
	X(TRUST_COSE_CRIT, -5106, SECURITY, "the header has critical parts that are not understood") \
	X(TRUST_COSE_ATTACHED, -5107, PERMANENT, "the payload must be detached") \
	X(TRUST_COSE_DETACHED, -5108, PERMANENT, "the payload must be attached") \
	X(TRUST_COSE_KID, -5109, SECURITY, "the key identifier is missing or not protected") \
	X(TRUST_COSE_KEY, -5110, PERMANENT, "not an acceptable public key") \
	X(TRUST_COSE_KEY_CURVE, -5111, SECURITY, "the kind or curve of the key does not fit the algorithm") \
	X(TRUST_COSE_SIGNATURE, -5112, SECURITY, "the signature does not verify") \
	X(TRUST_COSE_MAC, -5113, SECURITY, "the MAC does not verify") \
	X(TRUST_CERT_FORM, -5114, PERMANENT, "not a readable certificate") \
	X(TRUST_CERT_CHAIN, -5115, SECURITY, "the certificate chain does not end at an anchor") \
	X(TRUST_CERT_EXPIRED, -5116, SECURITY, "a certificate has expired") \
	X(TRUST_CERT_NOT_YET, -5117, SECURITY, "a certificate is not yet valid") \
	X(TRUST_CERT_USAGE, -5118, SECURITY, "the certificate lacks key usage digitalSignature") \
	X(TRUST_CERT_EKU, -5119, SECURITY, "the certificate lacks extended key usage codeSigning") \
	X(TRUST_CERT_COUNT, -5120, PERMANENT, "more certificates than a chain may have") \
	X(TRUST_CERT_ALG, -5121, SECURITY, "a certificate uses a key or digest that is too weak") \
	X(TRUST_REVOCATION_MISSING, -5122, SECURITY, "revocation evidence is required and there is none") \
	X(TRUST_NEGATIVE_KEY, -5123, PERMANENT, "a map has a negative key that must be understood") \
	X(TRUST_ROOT_FORM, -5124, PERMANENT, "not a well-formed root") \
	X(TRUST_ROOT_VERSION, -5125, SECURITY, "the root's version is not the next one") \
	X(TRUST_ROOT_EPOCH, -5126, SECURITY, "the root's epoch is lower than the one before") \
	X(TRUST_ROOT_THRESHOLD, -5127, SECURITY, "too few signatures by the root's own keys") \
	X(TRUST_ROOT_THRESHOLD_OLD, -5128, SECURITY, "too few signatures by the keys of the root before") \
	X(TRUST_ROOT_KEY_TWICE, -5129, SECURITY, "the root lists one key twice") \
	X(TRUST_ROOT_ROLE, -5130, PERMANENT, "the root lacks a role that it needs") \
	X(TRUST_ROOT_EXPIRED, -5131, SECURITY, "the newest root has expired") \
	X(TRUST_ROOT_NOT_YET, -5132, SECURITY, "the root was issued in the future") \
	X(TRUST_ROOT_BEHIND, -5133, SECURITY, "the root is older than one that was accepted before") \
	X(TRUST_CATALOG_FORM, -5134, PERMANENT, "not a well-formed catalog") \
	X(TRUST_CATALOG_THRESHOLD, -5135, SECURITY, "too few signatures by the catalog role") \
	X(TRUST_CATALOG_ROOT, -5136, TRANSIENT, "the catalog needs a newer root") \
	X(TRUST_CATALOG_EPOCH, -5137, SECURITY, "the catalog's epoch is not the root's") \
	X(TRUST_CATALOG_ROLLBACK, -5138, SECURITY, "the catalog is older than one that was accepted before") \
	X(TRUST_CATALOG_TWIN, -5139, SECURITY, "another catalog with this sequence was accepted before") \
	X(TRUST_CATALOG_EXPIRED, -5140, SECURITY, "the catalog has expired") \
	X(TRUST_CATALOG_NOT_YET, -5141, SECURITY, "the catalog was issued in the future") \
	X(TRUST_CATALOG_ENTRY_TWICE, -5142, PERMANENT, "the catalog lists one release twice") \
	X(TRUST_SUIT_FORM, -5145, PERMANENT, "not a well-formed SUIT envelope or manifest") \
	X(TRUST_SUIT_UNTAGGED, -5146, SECURITY, "the envelope has no tag 107") \
	X(TRUST_SUIT_TAG, -5147, PERMANENT, "the tag of the envelope is not 107") \
	X(TRUST_SUIT_NO_WRAPPER, -5148, SECURITY, "the envelope has no authentication wrapper") \
	X(TRUST_SUIT_NO_MANIFEST, -5149, PERMANENT, "the envelope has no manifest") \
	X(TRUST_SUIT_NO_SIGNATURE, -5150, SECURITY, "the envelope is not signed") \
	X(TRUST_SUIT_MAC_ONLY, -5151, SECURITY, "the envelope has a MAC but no signature") \
	X(TRUST_SUIT_DIGEST, -5152, SECURITY, "the manifest is not the one that was signed") \
	X(TRUST_SUIT_DIGEST_ALG, -5153, PERMANENT, "the digest algorithm is not supported") \
	X(TRUST_SUIT_SEVERED, -5154, SECURITY, "a severed member is not the one that was signed") \
	X(TRUST_SUIT_SEVERED_ABSENT, -5155, PERMANENT, "a severed member that is needed is not in the envelope") \
	X(TRUST_SUIT_VERSION, -5156, PERMANENT, "the manifest version is not 1") \
	X(TRUST_SUIT_COMMAND, -5157, PERMANENT, "the manifest uses an unknown command") \
	X(TRUST_SUIT_CUSTOM, -5158, PERMANENT, "the manifest uses a custom command or parameter") \
	X(TRUST_SUIT_PARAMETER, -5159, PERMANENT, "the manifest uses an unknown parameter") \
	X(TRUST_SUIT_COMPONENT, -5160, PERMANENT, "the manifest selects no component, or one it does not list") \
	X(TRUST_SUIT_DEPENDENCY, -5161, PERMANENT, "manifests with dependencies are not supported") \
	X(TRUST_SUIT_INTEGRATED, -5162, PERMANENT, "payloads inside the envelope are not supported") \
	X(TRUST_SUIT_ENCRYPTED, -5163, PERMANENT, "the image is encrypted, and the class does not say what to do then") \
	X(TRUST_SUIT_NO_VENDOR, -5164, SECURITY, "the manifest does not check the vendor") \
	X(TRUST_SUIT_NO_CLASS, -5165, SECURITY, "the manifest does not check the class") \
	X(TRUST_SUIT_VENDOR, -5166, SECURITY, "the manifest is for another vendor") \
	X(TRUST_SUIT_CLASS, -5167, SECURITY, "the manifest is for another class") \
	X(TRUST_SUIT_DEVICE, -5168, SECURITY, "the manifest is for another device") \
	X(TRUST_SUIT_CONDITION, -5169, PERMANENT, "a condition of the manifest is not met") \
	X(TRUST_SUIT_CONDITION_UNKNOWN, -5170, PERMANENT, "a condition of the manifest cannot be judged here") \
	X(TRUST_SUIT_NOTHING, -5171, PERMANENT, "the manifest has nothing to install") \
	X(TRUST_SUIT_NO_SLOT, -5172, PERMANENT, "the manifest fetches a component that is no slot of the class") \
	X(TRUST_SUIT_NOT_EXECUTED, -5173, PERMANENT, "a slot of the class would be written by a command that is never executed") \
	X(TRUST_SUIT_NO_DIGEST, -5174, SECURITY, "a fetched component has no digest") \
	X(TRUST_SUIT_USE_BEFORE, -5176, SECURITY, "the manifest is past its use-before time") \
	X(TRUST_SUIT_SEQUENCE, -5177, SECURITY, "the manifest's sequence is below the floor") \
	X(TRUST_OFFER_AUTHOR, -5180, SECURITY, "no author that the root lists has signed") \
	X(TRUST_OFFER_THRESHOLD, -5181, SECURITY, "too few authors have signed") \
	X(TRUST_OFFER_SCOPE, -5182, SECURITY, "the author may not sign for this vendor, class or component") \
	X(TRUST_OFFER_UNLISTED, -5183, SECURITY, "the catalog does not list this release") \
	X(TRUST_OFFER_ENVELOPE, -5184, SECURITY, "the envelope is not the one that the catalog lists") \
	X(TRUST_OFFER_MANIFEST, -5185, SECURITY, "the manifest is not the one that the catalog lists") \
	X(TRUST_OFFER_SEQUENCE, -5186, SECURITY, "the sequences of manifest and catalog entry differ") \
	X(TRUST_OFFER_TARGET, -5187, SECURITY, "the catalog entry is for another vendor, class or component") \
	X(TRUST_OFFER_HARDWARE, -5188, PERMANENT, "the hardware revision is outside the range of the entry") \
	X(TRUST_OFFER_WITHDRAWN, -5189, PERMANENT, "the release was withdrawn") \
	X(TRUST_OFFER_PAYLOAD, -5190, SECURITY, "the catalog entry does not list the image of the manifest") \
	X(TRUST_OFFER_PAYLOAD_LEN, -5191, SECURITY, "the image has another length than the manifest says") \
	X(TRUST_OFFER_PAYLOAD_DIGEST, -5192, SECURITY, "the image has another digest than the manifest says") \
	X(TRUST_OFFER_TIER, -5193, SECURITY, "a step reached a lower tier than the class requires") \
	X(TRUST_OFFER_TRANSFERRED, -5194, SECURITY, "the root has handed the class over to another vendor") \
	X(TRUST_OFFER_INCOMPLETE, -5195, SECURITY, "a check could not be made because a fact was missing")

/* policy/gates */

#define ERR_MAP_GATES(X) \
	X(GATE_WINDOW, -5201, PERMANENT, "not a valid time window") \
	X(GATE_BUDGET, -5202, PERMANENT, "the retry budget is used up") \
	X(GATE_APPROVAL, -5203, PERMANENT, "not a valid approval rule")

/* store */

#define ERR_MAP_STORE(X) \
	X(STORE_DAMAGED, -5301, PERMANENT, "database file is damaged") \
	X(STORE_SCHEMA, -5302, PERMANENT, "database was written by another major version") \
	X(STORE_BUSY, -5303, TRANSIENT, "database is in use by another process") \
	X(STORE_LOCKED, -5304, SECURITY, "trust store is locked until an administrator unlocks it") \
	X(STORE_FLOOR, -5305, SECURITY, "value is below a stored floor") \
	X(STORE_CONFLICT, -5306, SECURITY, "same number was stored before with another digest") \
	X(STORE_FULL, -5307, PERMANENT, "list has reached its limit") \
	X(STORE_ROW, -5308, PERMANENT, "row breaks a rule of its table") \
	X(STORE_SQL, -5309, PERMANENT, "database refused a statement") \
	X(STORE_CLOSED, -5310, TRANSIENT, "store is closing") \
	X(STORE_QUOTA, -5311, TRANSIENT, "cache is full of blobs that are still needed") \
	X(STORE_LENGTH, -5312, SECURITY, "content is longer or shorter than promised") \
	X(STORE_DIGEST, -5313, SECURITY, "content does not have the digest that it is named by") \
	X(STORE_UNVERIFIED, -5314, TRANSIENT, "blob has not been verified by this process") \
	X(STORE_ROTTEN_BLOB, -5315, SECURITY, "cached blob changed on disk after it was verified") \
	X(STORE_ROTTEN_TABLE, -5316, SECURITY, "leaf table of a cached blob changed on disk")

/* gateway/vendor, gateway/http */

#define ERR_MAP_VENDOR(X) \
	X(VENDOR_URL, -5401, PERMANENT, "address is not a URL that can be used here") \
	X(VENDOR_PLAIN, -5402, SECURITY, "plain http is not allowed here") \
	X(VENDOR_RESOLVE, -5403, TRANSIENT, "host name could not be resolved") \
	X(VENDOR_ADDRESS, -5404, SECURITY, "host has no address that may be contacted") \
	X(VENDOR_CONNECT_TIMEOUT, -5405, TRANSIENT, "no connection within the time limit") \
	X(VENDOR_CLOSED, -5406, TRANSIENT, "connection closed before the answer was complete") \
	X(VENDOR_QUEUE, -5407, TRANSIENT, "too many requests are waiting") \
	X(VENDOR_NO_REPORTS, -5408, PERMANENT, "this link has no address for reports") \
	X(VENDOR_SIZE, -5409, SECURITY, "object is not as long as its catalog or envelope says") \
	X(VENDOR_TLS_FILE, -5410, PERMANENT, "certificate or key file cannot be used") \
	X(VENDOR_TLS_KEY_MODE, -5411, SECURITY, "key file is open to others than its owner") \
	X(VENDOR_TLS_KEY_PAIR, -5412, PERMANENT, "key does not belong to the certificate") \
	X(VENDOR_TLS_PROTOCOL, -5413, TRANSIENT, "peer does not speak TLS as the standard says") \
	X(VENDOR_TLS_VERSION, -5414, SECURITY, "peer offers only a TLS version that is not allowed") \
	X(VENDOR_TLS_UNTRUSTED, -5415, SECURITY, "server certificate does not lead to the configured CA") \
	X(VENDOR_TLS_NAME, -5416, SECURITY, "server certificate is for another host name") \
	X(VENDOR_TLS_EXPIRED, -5417, SECURITY, "server certificate or its issuer has expired") \
	X(VENDOR_TLS_NOT_YET, -5418, SECURITY, "server certificate or its issuer is not yet valid") \
	X(VENDOR_TLS_PIN, -5419, SECURITY, "server key is none of the pinned ones") \
	X(VENDOR_TLS_WEAK, -5420, SECURITY, "server certificate uses an algorithm or key too weak") \
	X(VENDOR_TLS_USAGE, -5421, SECURITY, "server certificate is not for TLS servers") \
	X(VENDOR_TLS_CLIENT_CERT, -5422, SECURITY, "server wants a client certificate and got none that it takes") \
	X(VENDOR_TLS_REFUSED, -5423, PERMANENT, "server ended the TLS handshake: no common version or algorithm") \
	X(VENDOR_TLS_RECORD, -5424, TRANSIENT, "TLS record is damaged") \
	X(VENDOR_TLS_REVOCATION, -5425, SECURITY, "nothing says that the server's certificate was not revoked") \
	X(VENDOR_HTTP_SYNTAX, -5430, PERMANENT, "answer is not HTTP/1.1") \
	X(VENDOR_HTTP_HEAD, -5431, PERMANENT, "answer has more or longer headers than allowed") \
	X(VENDOR_HTTP_LENGTH, -5432, PERMANENT, "answer does not say how long its body is, or says it twice") \
	X(VENDOR_HTTP_LARGE, -5433, PERMANENT, "body is larger than the limit") \
	X(VENDOR_HTTP_TRUNCATED, -5434, TRANSIENT, "body ended before its promised length") \
	X(VENDOR_HTTP_SURPLUS, -5435, PERMANENT, "bytes follow the end of the answer") \
	X(VENDOR_HTTP_RANGE, -5436, PERMANENT, "Content-Range is not the range that was asked for") \
	X(VENDOR_HTTP_CODING, -5437, PERMANENT, "body has a content or transfer coding that was not asked for") \
	X(VENDOR_HTTP_REDIRECT, -5438, SECURITY, "redirect leads away from the origin") \
	X(VENDOR_HTTP_REDIRECTS, -5439, PERMANENT, "too many redirects") \
	X(VENDOR_HTTP_HEAD_TIMEOUT, -5440, TRANSIENT, "no complete response head within the time limit") \
	X(VENDOR_HTTP_SLOW, -5441, TRANSIENT, "body arrives more slowly than allowed") \
	X(VENDOR_HTTP_TIMEOUT, -5442, TRANSIENT, "request took longer than its time limit") \
	X(VENDOR_HTTP_ABSENT, -5450, PERMANENT, "server does not have this object") \
	X(VENDOR_HTTP_DENIED, -5451, PERMANENT, "server does not let this client in") \
	X(VENDOR_HTTP_BUSY, -5452, TRANSIENT, "server asks to come back later") \
	X(VENDOR_HTTP_SERVER, -5453, TRANSIENT, "server failed") \
	X(VENDOR_HTTP_STATUS, -5454, PERMANENT, "server answered with a status that has no meaning here") \
	X(VENDOR_HOST, -5455, SECURITY, "host is not listed as one that may be asked")

/* transports */

#define ERR_MAP_TRANSPORT(X) \
	X(TRANSPORT_NOT_DELIVERED, -5501, TRANSIENT, "the peer did not acknowledge the message") \
	X(TRANSPORT_NOT_NOW, -5502, TRANSIENT, "the transport is busy, try again after its delay") \
	X(TRANSPORT_SECURITY, -5503, SECURITY, "the link cannot reach the security that is asked for") \
	X(TRANSPORT_DRIVER_DIED, -5504, TRANSIENT, "the driver ended unexpectedly") \
	X(TRANSPORT_CONTRACT, -5505, PERMANENT, "the driver broke a rule of the driver interface") \
	X(TRANSPORT_ABI, -5506, PERMANENT, "the driver's table does not fit this gateway") \
	X(TRANSPORT_OPERATION, -5507, PERMANENT, "the driver lacks a required operation") \
	X(TRANSPORT_NEEDS, -5508, PERMANENT, "the transport lacks a capability that is needed") \
	X(TRANSPORT_UNTRUSTED, -5509, SECURITY, "the driver file or a folder above it could be changed by others than root") \
	X(TRANSPORT_LOAD, -5510, PERMANENT, "the driver file could not be loaded") \
	X(TRANSPORT_PARAMETER, -5511, PERMANENT, "a setting of the link is unknown, missing or out of range")

/* devices */

#define ERR_MAP_DEVICES(X) \
	X(ENGINE_OPTION, -5600, PERMANENT, "an option of the engine is unknown or has a bad value") \
	X(ENGINE_UNKNOWN, -5601, PERMANENT, "there is no update engine of that name") \
	X(ENGINE_NO_LINK, -5602, TRANSIENT, "the link to the device is down") \
	X(CLASS_INVALID, -5605, PERMANENT, "the settings of the device class contradict each other") \
	X(REGISTRY_SIGHT, -5610, PERMANENT, "the link reported a peer that cannot be recorded") \
	X(REGISTRY_FULL, -5611, PERMANENT, "no more devices can be enrolled") \
	X(REGISTRY_NO_PEER, -5612, PERMANENT, "there is no such candidate") \
	X(REGISTRY_MANY_PEERS, -5613, PERMANENT, "several links see a candidate of that key") \
	X(REGISTRY_NO_CLASS, -5614, PERMANENT, "there is no such device class") \
	X(REGISTRY_NO_DEVICE, -5615, PERMANENT, "there is no such device") \
	X(REGISTRY_ID, -5616, PERMANENT, "not a usable device id") \
	X(REGISTRY_ID_TAKEN, -5617, PERMANENT, "another device has this id") \
	X(REGISTRY_PEER_TAKEN, -5618, PERMANENT, "the peer belongs to another device") \
	X(MCUBOOT_MAGIC, -5620, PERMANENT, "not an MCUboot image") \
	X(MCUBOOT_HEADER, -5621, PERMANENT, "MCUboot header breaks a rule of the format") \
	X(MCUBOOT_TLV, -5622, PERMANENT, "MCUboot TLV area breaks a rule of the format") \
	X(MCUBOOT_TRUNCATED, -5623, PERMANENT, "MCUboot image ends before its last TLV") \
	X(MCUBOOT_NO_HASH, -5624, PERMANENT, "MCUboot image has no hash entry, or several") \
	X(MCUBOOT_HASH, -5625, PERMANENT, "MCUboot image does not have the hash it states") \
	X(SMP_ANSWER, -5630, TRANSIENT, "the device's answer cannot be understood") \
	X(SMP_TIMEOUT, -5631, TRANSIENT, "the device does not answer") \
	X(SMP_STATUS, -5632, PERMANENT, "the device refused the request") \
	X(SMP_BUSY, -5633, TRANSIENT, "the device stayed busy") \
	X(SMP_NO_MEMORY, -5634, TRANSIENT, "the device has no memory for the request") \
	X(SMP_TOO_SMALL, -5635, PERMANENT, "the device's buffer or the link's payload is too small for an upload") \
	X(SMP_NO_FREE_SLOT, -5636, TRANSIENT, "no slot of the device is free: its running image is not confirmed yet") \
	X(SMP_PENDING, -5637, TRANSIENT, "another image already waits for the device's next start") \
	X(SMP_DOWNGRADE, -5638, PERMANENT, "the device refuses a version that is not newer") \
	X(SMP_IMAGE_REFUSED, -5639, PERMANENT, "the device refuses this image") \
	X(SMP_FOREIGN_UPLOAD, -5640, TRANSIENT, "another client uploads to the device at the same time") \
	X(SMP_RESTARTS, -5641, TRANSIENT, "the device started the upload over too often") \
	X(SMP_MATCH, -5642, TRANSIENT, "the device received the image damaged, twice") \
	X(SMP_HASH, -5643, PERMANENT, "the device reports another hash for the uploaded image than expected") \
	X(SMP_RESET_REFUSED, -5644, TRANSIENT, "the device refuses to restart now") \
	X(SMP_NOT_RESTARTED, -5645, TRANSIENT, "the device did not restart") \
	X(SMP_NO_RETURN, -5646, TRANSIENT, "the device did not answer again after its restart") \
	X(SMP_REVERTED, -5647, PERMANENT, "the device went back to its old image") \
	X(SMP_BOOT_REFUSED, -5648, PERMANENT, "the device's bootloader refused the image") \
	X(SMP_OTHER_IMAGE, -5649, PERMANENT, "the device runs another image than the one installed") \
	X(SMP_NOT_CONFIRMED, -5650, TRANSIENT, "the device did not keep the confirmation") \
	X(SMP_NO_READ_BACK, -5651, PERMANENT, "the device cannot tell what it runs") \
	X(SMP_IMAGE_BYTES, -5652, TRANSIENT, "bytes of the image cannot be had") \
	X(SMP_BAD_EXPECT, -5653, PERMANENT, "the image to install is described in a way no device can take")

/* gateway/relay */

#define ERR_MAP_RELAY(X) \
	X(JOB_STATE, -5701, PERMANENT, "job is in a state that does not allow this") \
	X(JOB_EXISTS, -5702, PERMANENT, "device already has an open job") \
	X(JOB_BUDGET, -5703, PERMANENT, "all attempts of the job are used up") \
	X(JOB_NO_ENGINE, -5706, PERMANENT, "no engine for this class") \
	X(JOB_LINK_LOST, -5707, TRANSIENT, "link to the device was lost") \
	X(JOB_NO_LINK, -5708, TRANSIENT, "device is on no link that is up") \
	X(JOB_TIMEOUT, -5709, TRANSIENT, "device did not come back in time") \
	X(JOB_RECHECK, -5710, SECURITY, "release no longer passes its checks") \
	X(JOB_NOTHING, -5711, PERMANENT, "nothing to do") \
	X(JOB_TIER, -5712, SECURITY, "required tier of a step was not reached") \
	X(RELAY_SHUTDOWN, -5713, TRANSIENT, "ferryd is stopping") \
	X(RELEASE_IMAGES, -5714, PERMANENT, "a release must have exactly one image for the class") \
	X(JOB_DECLINED, -5715, PERMANENT, "a person declined this release") \
	X(JOB_NOT_READ, -5716, TRANSIENT, "the device has not been read yet") \
	X(JOB_NOT_PROVED, -5717, PERMANENT, "nothing that the device says proves what it runs") \
	X(JOB_OTHER_IMAGE, -5718, SECURITY, "the release is another image than the job was made for") \
	X(JOB_TRANSFER_LIMIT, -5719, TRANSIENT, "the transfer took longer than the class allows")

/* gateway/config */

#define ERR_MAP_CONFIG(X) \
	X(CONFIG_SYNTAX, -5801, PERMANENT, "configuration cannot be parsed") \
	X(CONFIG_TYPE, -5802, PERMANENT, "setting has the wrong type") \
	X(CONFIG_RANGE, -5803, PERMANENT, "setting is out of range") \
	X(CONFIG_VALUE, -5804, PERMANENT, "setting has a value that is not allowed") \
	X(CONFIG_UNKNOWN, -5805, PERMANENT, "setting is not known") \
	X(CONFIG_MISSING, -5806, PERMANENT, "required setting is missing") \
	X(CONFIG_TWICE, -5807, PERMANENT, "name or claim stands twice in the configuration") \
	X(CONFIG_REFERENCE, -5808, PERMANENT, "setting names something that does not exist") \
	X(CONFIG_PERMISSION, -5809, SECURITY, "file has unsafe owner or permissions")

/* gateway/admin, gateway/ctl */

#define ERR_MAP_ADMIN(X) \
	X(ADMIN_REQUEST, -5901, PERMANENT, "the HTTP request is malformed") \
	X(ADMIN_HEAD_SIZE, -5902, PERMANENT, "request line and header fields are larger than allowed") \
	X(ADMIN_BODY_SIZE, -5903, PERMANENT, "the request body is larger than allowed") \
	X(ADMIN_NOT_FOUND, -5904, PERMANENT, "there is no such resource") \
	X(ADMIN_METHOD, -5905, PERMANENT, "this resource does not know this method") \
	X(ADMIN_ROLE, -5906, PERMANENT, "the caller's role does not allow this") \
	X(ADMIN_MEDIA_TYPE, -5907, PERMANENT, "the request body must be application/json") \
	X(ADMIN_JSON, -5908, PERMANENT, "the request body is not one JSON object") \
	X(ADMIN_FIELD, -5909, PERMANENT, "a field of the request breaks a rule") \
	X(ADMIN_TIMEOUT, -5910, TRANSIENT, "the request took too long") \
	X(ADMIN_BUSY, -5911, TRANSIENT, "too many connections") \
	X(ADMIN_STOPPING, -5912, TRANSIENT, "ferryd is stopping") \
	X(ADMIN_SOCKET_LIVE, -5913, PERMANENT, "another process answers on the admin socket") \
	X(ADMIN_SOCKET_TAKEN, -5914, PERMANENT, "a file that is no socket is in the place of the admin socket") \
	X(ADMIN_STATE, -5915, PERMANENT, "this action does not fit the present state")

/* policy/trust: certificates that were revoked, and what says so */

#define ERR_MAP_REVOCATION(X) \
	X(TRUST_REVOKED, -6001, SECURITY, "a certificate was revoked") \
	X(TRUST_REVOCATION_NONE, -6002, SECURITY, "there is no revocation evidence at all") \
	X(TRUST_REVOCATION_STALE, -6003, SECURITY, "the revocation evidence has run out") \
	X(TRUST_REVOCATION_NOT_YET, -6004, SECURITY, "the revocation evidence is from the future") \
	X(TRUST_REVOCATION_UNKNOWN, -6005, SECURITY, "the responder does not know the certificate") \
	X(TRUST_REVOCATION_ANCHOR, -6006, SECURITY, "the anchor signs by itself and is not marked as revoked by root only") \
	X(TRUST_REVOCATION_NEEDS, -6007, PERMANENT, "more certificates need evidence than there is room for") \
	X(TRUST_EVIDENCE_UNNEEDED, -6008, PERMANENT, "the evidence is about no certificate that is in use") \
	X(TRUST_EVIDENCE_SIZE, -6009, PERMANENT, "the evidence is longer than allowed") \
	X(TRUST_CRL_FORM, -6010, PERMANENT, "not a well-formed CRL") \
	X(TRUST_CRL_VERSION, -6011, PERMANENT, "the CRL is not of version 2") \
	X(TRUST_CRL_ISSUER, -6012, SECURITY, "the CRL is by another issuer") \
	X(TRUST_CRL_USAGE, -6013, SECURITY, "the issuer of the CRL lacks key usage cRLSign") \
	X(TRUST_CRL_SIGNATURE, -6014, SECURITY, "the signature of the CRL does not verify") \
	X(TRUST_CRL_ALG, -6015, SECURITY, "the CRL is signed with an algorithm that is not accepted") \
	X(TRUST_CRL_NUMBER, -6016, SECURITY, "the CRL has no acceptable cRLNumber") \
	X(TRUST_CRL_ROLLBACK, -6017, SECURITY, "the cRLNumber is lower than one that was seen before") \
	X(TRUST_CRL_NEXT_UPDATE, -6018, SECURITY, "the CRL has no nextUpdate") \
	X(TRUST_CRL_PARTIAL, -6019, SECURITY, "the CRL is a delta or covers only a part") \
	X(TRUST_CRL_CRITICAL, -6020, SECURITY, "the CRL has an unknown critical extension") \
	X(TRUST_CRL_ENTRY_CRITICAL, -6021, SECURITY, "an entry of the CRL has an unknown critical extension") \
	X(TRUST_OCSP_FORM, -6030, PERMANENT, "not a well-formed OCSP response") \
	X(TRUST_OCSP_STATUS, -6031, TRANSIENT, "the OCSP responder did not answer the question") \
	X(TRUST_OCSP_TYPE, -6032, PERMANENT, "the OCSP response is not a basic one of version 1") \
	X(TRUST_OCSP_OTHER, -6033, SECURITY, "the OCSP response is not about this certificate") \
	X(TRUST_OCSP_TWICE, -6034, SECURITY, "the OCSP response answers twice for one certificate") \
	X(TRUST_OCSP_RESPONDER, -6035, SECURITY, "the OCSP response is not by a responder of the issuer") \
	X(TRUST_OCSP_DELEGATE, -6036, SECURITY, "the certificate of the OCSP responder does not allow it to answer") \
	X(TRUST_OCSP_SIGNATURE, -6037, SECURITY, "the signature of the OCSP response does not verify") \
	X(TRUST_OCSP_ALG, -6038, SECURITY, "the OCSP response is signed with an algorithm that is not accepted") \
	X(TRUST_OCSP_DATES, -6039, SECURITY, "the dates of the OCSP response contradict each other") \
	X(TRUST_OCSP_NEXT_UPDATE, -6040, SECURITY, "the OCSP response has no nextUpdate") \
	X(TRUST_OCSP_VALIDITY, -6041, SECURITY, "the OCSP response is valid for too long") \
	X(TRUST_OCSP_NONCE, -6042, SECURITY, "the OCSP response does not repeat the nonce") \
	X(TRUST_OCSP_CRITICAL, -6043, SECURITY, "the OCSP response has an unknown critical extension") \
	X(TRUST_OCSP_REPLAY, -6044, SECURITY, "the OCSP response is older than one that was seen before")

/* policy/trust: hash-based signatures */

#define ERR_MAP_HSS(X) \
	X(TRUST_HSS_KEY, -6101, PERMANENT, "not an acceptable HSS public key") \
	X(TRUST_HSS_FORM, -6102, SECURITY, "not a well-formed HSS signature") \
	X(TRUST_HSS_TYPE, -6103, SECURITY, "the HSS signature uses another parameter set than the key") \
	X(TRUST_HSS_SIGNATURE, -6104, SECURITY, "the HSS signature does not verify") \
	X(TRUST_ED25519_ABSENT, -6105, SECURITY, "this build cannot verify Ed25519")

/* policy/trust: who has to sign, and who may hand over */

#define ERR_MAP_SIGNERS(X) \
	X(TRUST_SIGNERS_ROLE, -6201, SECURITY, "the class demands a role that the root does not have") \
	X(TRUST_SIGNERS_MISSING, -6202, SECURITY, "a signer that the class demands has not signed") \
	X(TRUST_SIGNERS_ALG, -6203, SECURITY, "no signature by an algorithm that the class demands") \
	X(AUTHORITY_HEIR, -6211, SECURITY, "the class was handed over to an heir that has no vendor file here") \
	X(AUTHORITY_LOST, -6212, SECURITY, "the vendor that holds the class is not configured for it, or began with another root") \
	X(AUTHORITY_UNPROVED, -6213, SECURITY, "no root of the vendor before bears out that the class was handed over") \
	X(AUTHORITY_NOT_TAKEN, -6214, SECURITY, "the class came back to a vendor whose root still hands it over")

/* policy/trust: encrypted images */

#define ERR_MAP_ENCRYPT(X) \
	X(TRUST_ENCRYPT_FORM, -6301, PERMANENT, "not a well-formed COSE_Encrypt") \
	X(TRUST_ENCRYPT_CIPHER, -6302, SECURITY, "the cipher of the encrypted image is not accepted") \
	X(TRUST_ENCRYPT_ATTACHED, -6303, PERMANENT, "the ciphertext of an encrypted image must be detached") \
	X(TRUST_ENCRYPT_RECIPIENT, -6304, PERMANENT, "no recipient of the encrypted image uses an accepted algorithm") \
	X(TRUST_ENCRYPT_NO_KEY, -6305, PERMANENT, "the image is encrypted for none of our keys") \
	X(TRUST_ENCRYPT_UNWRAP, -6306, SECURITY, "the content key does not unwrap") \
	X(TRUST_ENCRYPT_LENGTH, -6307, SECURITY, "the ciphertext is not as long as the manifest says") \
	X(TRUST_ENCRYPT_TAG, -6308, SECURITY, "the authentication tag of the ciphertext does not verify") \
	X(TRUST_ENCRYPT_PLAIN, -6309, SECURITY, "the decrypted image is not the one of the manifest") \
	X(TRUST_ENCRYPT_SEALED, -6310, SECURITY, "the ciphertext is not the one that was signed")

/* store/keys: secret keys in files, credentials and tokens */

#define ERR_MAP_KEYS(X) \
	X(KEYS_FORM, -6401, PERMANENT, "not a readable key") \
	X(KEYS_PERMISSION, -6402, SECURITY, "the file of a secret key is open to others than its owner") \
	X(KEYS_KIND, -6403, PERMANENT, "the key is of another kind than is needed") \
	X(KEYS_CREDENTIAL, -6404, PERMANENT, "there is no such credential") \
	X(KEYS_URI, -6405, PERMANENT, "not a usable pkcs11: URI") \
	X(KEYS_MODULE, -6406, PERMANENT, "the PKCS #11 module cannot be used") \
	X(KEYS_PIN, -6407, PERMANENT, "the PIN of the token is missing or wrong") \
	X(KEYS_NOT_FOUND, -6408, PERMANENT, "the token does not have exactly one such key") \
	X(KEYS_TOKEN, -6409, TRANSIENT, "the token failed")

/* policy/trust: MACs on the last hop */

#define ERR_MAP_LASTHOP(X) \
	X(LASTHOP_FORM, -6501, PERMANENT, "not a SUIT envelope with its image behind it") \
	X(LASTHOP_LAYOUT, -6502, PERMANENT, "the envelope has no place for a MAC or an integrated image") \
	X(LASTHOP_HUB, -6503, PERMANENT, "not a usable hub id or epoch") \
	X(LASTHOP_NO_MAC, -6504, SECURITY, "the envelope has no MAC that is meant for this device") \
	X(LASTHOP_EPOCH, -6505, SECURITY, "the epoch of the keys is lower than one that was seen before") \
	X(LASTHOP_IMAGE, -6506, SECURITY, "the image behind the envelope is not the one of the manifest") \
	X(LASTHOP_NO_KEY, -6507, TRANSIENT, "the hub has no key for this device") \
	X(LASTHOP_KEYS, -6508, PERMANENT, "file of device keys breaks a rule of its format") \
	X(LASTHOP_MODE, -6509, SECURITY, "file of device keys is open to others than its owner")

#define ERR_MAP_ZIGBEE(X) \
	X(ZCL_TRUNCATED, -6601, PERMANENT, "a ZCL frame ends before its last field") \
	X(ZCL_FRAME_TYPE, -6602, PERMANENT, "not a frame type of ZCL") \
	X(ZCL_COMMAND, -6603, PERMANENT, "not a command that this side takes") \
	X(ZCL_FIELD, -6604, PERMANENT, "a field of a ZCL command breaks its rule") \
	X(ZCL_TYPE, -6605, PERMANENT, "a ZCL value is of an unknown or unfit type") \
	X(OTA_FILE_MAGIC, -6611, PERMANENT, "no ZigBee OTA file was found in the image") \
	X(OTA_FILE_HEADER, -6612, PERMANENT, "the header of the ZigBee OTA file breaks a rule") \
	X(OTA_FILE_SIZE, -6613, PERMANENT, "the ZigBee OTA file is not as long as its header says") \
	X(OTA_FILE_ELEMENT, -6614, PERMANENT, "a sub-element of the ZigBee OTA file breaks a rule") \
	X(QUIRKS_FORM, -6621, PERMANENT, "a row of device quirks is not well formed") \
	X(QUIRKS_WORD, -6622, PERMANENT, "an unknown word in a row of device quirks") \
	X(QUIRKS_VALUE, -6623, PERMANENT, "a value in a row of device quirks is out of range") \
	X(ZIGBEE_OPTIONS, -6631, PERMANENT, "an option of the ZigBee engine breaks a rule") \
	X(ZIGBEE_SILENT, -6632, TRANSIENT, "the device stopped asking for blocks") \
	X(ZIGBEE_ABORTED, -6633, TRANSIENT, "the device gave the update up") \
	X(ZIGBEE_REFUSED, -6634, PERMANENT, "the device says that the image is not for it") \
	X(ZIGBEE_OLD_VERSION, -6635, PERMANENT, "the device came back with its old version") \
	X(ZIGBEE_OTHER_VERSION, -6636, PERMANENT, "the device runs another version than the one installed") \
	X(ZIGBEE_GONE, -6637, TRANSIENT, "the device was not heard again after its restart") \
	X(ZIGBEE_NOT_FOR, -6638, PERMANENT, "manufacturer, image type or hardware of the device do not fit the image") \
	X(ZIGBEE_DOWNGRADE, -6639, SECURITY, "the image is not newer than what the device runs, and nobody ordered a downgrade") \
	X(ZIGBEE_NO_ANSWER, -6640, TRANSIENT, "the device does not answer") \
	X(ZIGBEE_GAVE_UP, -6641, PERMANENT, "the device gave the update up too often")

/* The delegate to another program that does whole updates. */
#define ERR_MAP_DELEGATE(X) \
	X(DELEGATE_BROKER, -6701, TRANSIENT, "the MQTT broker cannot be reached or refuses") \
	X(DELEGATE_AWAY, -6702, TRANSIENT, "the program that owns the radio does not answer") \
	X(DELEGATE_ANSWER, -6703, PERMANENT, "an answer of the program that owns the radio cannot be read") \
	X(DELEGATE_REFUSED, -6704, PERMANENT, "the program that owns the radio refuses the update") \
	X(DELEGATE_FAILED, -6705, TRANSIENT, "the program that owns the radio gave the update up") \
	X(DELEGATE_COPY, -6706, TRANSIENT, "the copy of the image for the other program cannot be made") \
	X(DELEGATE_CHANGED, -6707, SECURITY, "the copy of the image was changed while the other program used it")

#define ERR_MAP(X) \
	ERR_MAP_BASE(X) \
	ERR_MAP_TRUST(X) \
	ERR_MAP_GATES(X) \
	ERR_MAP_STORE(X) \
	ERR_MAP_VENDOR(X) \
	ERR_MAP_TRANSPORT(X) \
	ERR_MAP_DEVICES(X) \
	ERR_MAP_RELAY(X) \
	ERR_MAP_CONFIG(X) \
	ERR_MAP_ADMIN(X) \
	ERR_MAP_REVOCATION(X) \
	ERR_MAP_HSS(X) \
	ERR_MAP_SIGNERS(X) \
	ERR_MAP_ENCRYPT(X) \
	ERR_MAP_KEYS(X) \
	ERR_MAP_LASTHOP(X) \
	ERR_MAP_ZIGBEE(X) \
	ERR_MAP_DELEGATE(X)

#endif
