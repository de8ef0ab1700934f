/* Lists of jobs, which ferryd gives in pages. */
#include "gateway/ctl/ctl.h"

#include "gateway/ctl/fields.h"

#define PAGE "1000" /* the most that ferryd gives at once */

static int get_page(struct ctl *c, const struct jobs_wanted *wanted,
	const char *limit, const char *before, json_t **ret_answer)
{
	struct target target;

	target_init(&target, "/v1/jobs");
	target_param(&target, "state", wanted->state);
	target_param(&target, "device", wanted->device);
	target_param(&target, "limit", limit);
	target_param(&target, "before", before);
	return ctl_get(c, &target, ret_answer);
}

/* Adds the page that begins in front of `before`; *ret_next is where the one
 * behind it does, 0 when it was the last. */
static int add_page(struct ctl *c, const struct jobs_wanted *wanted,
	long long before, json_t *answer, long long *ret_next)
{
	json_t *page = NULL;
	char text[24];
	int code;

	snprintf(text, sizeof(text), "%lld", before);
	code = get_page(c, wanted, PAGE, text, &page);
	if (code)
		return code;
	json_array_extend(json_object_get(answer, "items"),
		json_object_get(page, "items"));
	*ret_next = json_number_at(page, "next");
	json_decref(page);
	return CTL_DONE;
}

int ctl_get_jobs(struct ctl *c, const struct jobs_wanted *wanted,
	json_t **ret_answer)
{
	json_t *answer = NULL;
	long long next, before;
	int code = get_page(c, wanted, wanted->limit ? wanted->limit :
		wanted->state ? PAGE : NULL, wanted->before, &answer);

	if (code)
		return code;
	next = json_number_at(answer, "next");
	while (wanted->state && !wanted->limit && next > 0) {
		before = next;
		code = add_page(c, wanted, before, answer, &next);
		if (!code && next >= before) {
			ctl_complain(c, "ferryd gives the same page again");
			code = CTL_FAILED;
		}
		if (code) {
			json_decref(answer);
			return code;
		}
		json_object_set_new(answer, "next", next > 0 ?
			json_integer(next) : json_null());
	}
	*ret_answer = answer;
	return CTL_DONE;
}
