#include "gateway/vendor/link.h"

#include <errno.h>

int vendor_link_root(struct vendor_link *link, uint64_t version,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	return link->ops->root(link, version, on_done, arg, ret_id);
}

int vendor_link_catalog(struct vendor_link *link, const char *etag,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	return link->ops->catalog(link, etag ? etag : "", on_done, arg, ret_id);
}

int vendor_link_envelope(struct vendor_link *link, const uint8_t *sha256,
	uint64_t size, vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	if (size == 0 || size > VENDOR_ENVELOPE_MAX)
		return ERR_TOO_LARGE;
	return link->ops->envelope(link, sha256, size, on_done, arg, ret_id);
}

int vendor_link_evidence(struct vendor_link *link, const uint8_t *sha256,
	uint64_t size, vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	if (size == 0 || size > VENDOR_EVIDENCE_MAX)
		return ERR_TOO_LARGE;
	return link->ops->evidence(link, sha256, size, on_done, arg, ret_id);
}

int vendor_link_payload(struct vendor_link *link,
	const struct vendor_payload_spec *spec, uint64_t *ret_id)
{
	if (spec->from > spec->size || spec->size > INT64_MAX)
		return -EINVAL;
	return link->ops->payload(link, spec, ret_id);
}

int vendor_link_report(struct vendor_link *link, struct bytes report,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id)
{
	if (report.len > VENDOR_REPORT_MAX)
		return ERR_TOO_LARGE;
	return link->ops->report(link, report, on_done, arg, ret_id);
}

void vendor_link_cancel(struct vendor_link *link, uint64_t id)
{
	link->ops->cancel(link, id);
}

void vendor_link_pause(struct vendor_link *link, uint64_t id)
{
	link->ops->pause(link, id, true);
}

void vendor_link_resume(struct vendor_link *link, uint64_t id)
{
	link->ops->pause(link, id, false);
}

void vendor_link_close(struct vendor_link *link, void (*on_closed)(void *arg),
	void *arg)
{
	if (link)
		link->ops->close(link, on_closed, arg);
	else
		on_closed(arg);
}
