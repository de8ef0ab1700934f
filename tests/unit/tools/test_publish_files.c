#include "tests/unit/tools/publish_test.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/publish/record.h"
#include "tools/publish/say.h"

static void write_text(const char *name, const char *text)
{
	ck_assert_int_eq(file_write(at(name), bytes_of_text(text), 0644), 0);
}

static unsigned files_in(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned count = 0;
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return count;
}

START_TEST(file_write_replaces_whole_and_leaves_nothing_behind)
{
	struct buf b;
	struct stat st;

	buf_init(&b, 100);
	write_text("a", "one");
	write_text("a", "two");
	ck_assert_int_eq(file_read(at("a"), &b), 0);
	ck_assert(bytes_is_text(buf_bytes(&b), "two"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644);
	ck_assert_uint_eq(files_in(dir), 1);
	buf_done(&b);
}
END_TEST

START_TEST(file_write_new_refuses_to_replace)
{
	struct buf b;

	buf_init(&b, 100);
	write_text("a", "one");
	ck_assert_int_eq(file_write_new(at("a"), bytes_of_text("two"), 0600),
		-EEXIST);
	ck_assert_int_eq(file_read(at("a"), &b), 0);
	ck_assert(bytes_is_text(buf_bytes(&b), "one"));
	ck_assert_uint_eq(files_in(dir), 1);
	buf_done(&b);
}
END_TEST

START_TEST(file_read_refuses_more_than_the_limit)
{
	struct buf b;

	buf_init(&b, 2);
	write_text("a", "one");
	ck_assert_int_eq(file_read(at("a"), &b), -EMSGSIZE);
	buf_done(&b);
}
END_TEST

START_TEST(folder_lock_refuses_a_second_one)
{
	int first, second;

	ck_assert_int_eq(folder_lock(dir, &first), 0);
	ck_assert_int_eq(folder_lock(dir, &second), -EBUSY);
	folder_unlock(first);
	ck_assert_int_eq(folder_lock(dir, &second), 0);
	folder_unlock(second);
}
END_TEST

START_TEST(file_copy_by_digest_names_the_copy)
{
	uint8_t digest[32];
	uint64_t len = 0;
	char from[sizeof(path)];

	write_text("a", "abc");
	strcpy(from, path);
	ck_assert_int_eq(file_copy_by_digest(from, dir, 100, digest, &len), 0);
	ck_assert_uint_eq(len, 3);
	ck_assert(file_exists(at("ba7816bf8f01cfea414140de5dae2223b00361a396177"
		"a9cb410ff61f20015ad")));
	ck_assert_int_eq(file_copy_by_digest(from, dir, 2, digest, &len),
		-EFBIG);
	ck_assert_uint_eq(files_in(dir), 2);
}
END_TEST

START_TEST(key_open_refuses_a_key_that_others_may_read)
{
	struct key key;

	ck_assert_int_eq(key_make(at("k"), CRYPTO_P256, NULL), 0);
	ck_assert_int_eq(key_open(path, &key), 0);
	key_done(&key);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(key_open(path, &key), -EACCES);
}
END_TEST

START_TEST(key_open_names_what_pkcs11_needs)
{
	struct key key;

	ck_assert_int_eq(key_open("pkcs11:token=x", &key), ERR_KEYS_URI);
	ck_assert_int_eq(key_open("pkcs11:object=x", &key), ERR_KEYS_URI);
}
END_TEST

START_TEST(key_make_never_replaces)
{
	ck_assert_int_eq(key_make(at("k"), CRYPTO_P256, NULL), 0);
	ck_assert_int_eq(key_make(path, CRYPTO_P256, NULL), -EEXIST);
}
END_TEST

struct conf_row {
	const char *name;
	const char *text;
	int err;
};

#define ID "vendor_id = \"2ed6657d-e927-568b-95e1-2665a8aea6a2\";\n"

static const struct conf_row vendor_rows[] = {
	{"good", ID "name = \"A\";", 0},
	{"all", ID "name = \"A\"; domain = \"a.example\"; catalog_days = 1;"
		" root_days = 3660; unsplit_algorithms = true;", 0},
	{"no id", "name = \"A\";", -EINVAL},
	{"bad id", "vendor_id = \"x\"; name = \"A\";", -EINVAL},
	{"number as id", "vendor_id = 1; name = \"A\";", -EINVAL},
	{"no name", ID, -EINVAL},
	{"unknown setting", ID "name = \"A\"; colour = 1;", -EINVAL},
	{"evidence", ID "name = \"A\"; crl_url = \"http://a.example/c\";"
		" ocsp_url = \"https://{ca}.a.example\"; crl_days = 1;", 0},
	{"url of another kind", ID "name = \"A\"; crl_url = \"ldap://a\";",
		-EINVAL},
	{"days out of range", ID "name = \"A\"; catalog_days = 0;", -EINVAL},
	{"days as text", ID "name = \"A\"; catalog_days = \"1\";", -EINVAL},
	{"flag as number", ID "name = \"A\"; unsplit_algorithms = 1;", -EINVAL},
	{"twice", ID ID "name = \"A\";", -EINVAL},
	{"unclosed", ID "name = \"A", -EINVAL},
};

START_TEST(vendor_conf_read_by_table)
{
	const struct conf_row *row = &vendor_rows[_i];
	struct vendor_conf conf;
	int err;

	write_text("c", row->text);
	err = vendor_conf_read(path, &conf);
	ck_assert_msg(err == row->err, "%s: %d", row->name, err);
}
END_TEST

#define CID "class_id = \"2ed6657d-e927-568b-95e1-2665a8aea6a2\";\n"

static const struct conf_row class_rows[] = {
	{"good", CID "components = [\"app\"];", 0},
	{"two components", CID "components = [\"app\", \"net/0x01\"];", 0},
	{"no components", CID, -EINVAL},
	{"empty", CID "components = [];", -EINVAL},
	{"component as number", CID "components = [1];", -EINVAL},
	{"component as text", CID "components = \"app\";", -EINVAL},
	{"unknown setting", CID "components = [\"app\"]; x = 1;", -EINVAL},
};

START_TEST(class_conf_read_by_table)
{
	const struct conf_row *row = &class_rows[_i];
	struct class_conf conf;
	int err;

	write_text("c", row->text);
	err = class_conf_read(path, "c", &conf);
	ck_assert_msg(err == row->err, "%s: %d", row->name, err);
}
END_TEST

START_TEST(vendor_conf_round_trip_keeps_quotes)
{
	struct vendor_conf conf = {.name = "A \"b\" \\ \x01 c",
		.domain = "a.example", .catalog_days = 3, .root_days = 4,
		.crl_days = 5,
		.unsplit_algorithms = true};
	struct vendor_conf back = {0};

	ck_assert_int_eq(vendor_conf_write(at("c"), &conf), 0);
	ck_assert_int_eq(vendor_conf_read(path, &back), 0);
	ck_assert_str_eq(back.name, conf.name);
	ck_assert_str_eq(back.domain, conf.domain);
	ck_assert_uint_eq(back.catalog_days, 3);
	ck_assert_uint_eq(back.crl_days, 5);
	ck_assert_uint_eq(back.root_days, 4);
	ck_assert(back.unsplit_algorithms);
}
END_TEST

static const struct vendor_conf vendor = {.name = "A", .catalog_days = 7,
	.crl_days = 30,
	.root_days = 365};

/* A publisher's folder below `dir`, opened. */
static void open_publisher(struct publisher *p)
{
	ck_assert_int_eq(publisher_make(at("pub"), &vendor), 0);
	ck_assert_int_eq(publisher_open(path, p), 0);
}

START_TEST(publisher_make_refuses_a_folder_in_use)
{
	write_text("x", "x");
	ck_assert_int_eq(publisher_make(dir, &vendor), -EEXIST);
}
END_TEST

START_TEST(publisher_state_write_refuses_to_fall)
{
	struct publisher_state state = {7, 2, 100};
	struct publisher p;

	open_publisher(&p);
	ck_assert_int_eq(publisher_state_write(&p, &state), 0);
	state.catalog_sequence = 6;
	ck_assert_int_eq(publisher_state_write(&p, &state), -EINVAL);
	state = (struct publisher_state){8, 1, 100};
	ck_assert_int_eq(publisher_state_write(&p, &state), -EINVAL);
	state = (struct publisher_state){8, 2, 99};
	ck_assert_int_eq(publisher_state_write(&p, &state), -EINVAL);
	ck_assert_uint_eq(p.state.catalog_sequence, 7);
	publisher_close(&p);
	ck_assert_int_eq(publisher_open(at("pub"), &p), 0);
	ck_assert_uint_eq(p.state.catalog_sequence, 7);
	ck_assert_uint_eq(p.state.root_version, 2);
	ck_assert_uint_eq(p.state.issued, 100);
	publisher_close(&p);
}
END_TEST

START_TEST(publisher_open_sweeps_what_a_killed_run_left)
{
	struct publisher p;

	open_publisher(&p);
	publisher_close(&p);
	write_text("pub/www/p/.new-Ab12Cd", "half");
	ck_assert_int_eq(publisher_open(at("pub"), &p), 0);
	ck_assert(!file_exists(at("pub/www/p/.new-Ab12Cd")));
	publisher_close(&p);
}
END_TEST

START_TEST(publisher_clock_check_refuses_to_go_back)
{
	struct publisher_state state = {1, 1, 1000};
	struct publisher p;

	open_publisher(&p);
	ck_assert_int_eq(publisher_state_write(&p, &state), 0);
	p.now = 1000;
	ck_assert_int_eq(publisher_clock_check(&p), 0);
	p.now = 999;
	ck_assert_int_eq(publisher_clock_check(&p), -EINVAL);
	publisher_close(&p);
}
END_TEST

static const struct release full = {
	.class_name = "sensor", .component = "app", .vendor_id = {1},
	.class_id = {2}, .sequence = 9, .manifest_digest = {3},
	.envelope_digest = {4}, .envelope_len = 500, .payload_digest = {5},
	.payload_len = 1000, .expect_version = "1.2.3",
	.expect_digest = {6, 7}, .expect_digest_len = 2, .version = "1.2.3 b",
	.has_hardware = true, .hardware_min = 1, .hardware_max = 4,
	.security = true, .notes = "a\n\"b\"", .end_of_support = 77,
	.set = "s", .precursors = {{8}, {9}}, .precursors_count = 2,
	.withdrawn = true, .created = 66, .signed_until = 88,
};

START_TEST(release_round_trip_keeps_every_member)
{
	struct release_list list;
	struct publisher p;

	open_publisher(&p);
	ck_assert_int_eq(release_write(&p, &full), 0);
	ck_assert_int_eq(release_list_load(&p, &list), 0);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_mem_eq(&list.at[0], &full, sizeof(full));
	release_list_free(&list);
	publisher_close(&p);
}
END_TEST

static const struct conf_row record_rows[] = {
	{"no json", "x", -EINVAL},
	{"no object", "[]", -EINVAL},
	{"members missing", "{}", -EINVAL},
	{"member twice", "{\"class\": \"a\", \"class\": \"b\"}", -EINVAL},
};

START_TEST(release_list_load_refuses_bad_records)
{
	const struct conf_row *row = &record_rows[_i];
	struct release_list list;
	struct publisher p;
	int err;

	open_publisher(&p);
	write_text("pub/releases/00.json", row->text);
	err = release_list_load(&p, &list);
	ck_assert_msg(err == row->err, "%s: %d", row->name, err);
	publisher_close(&p);
}
END_TEST

START_TEST(release_list_load_refuses_unknown_members)
{
	struct release_list list;
	struct publisher p;
	struct buf text;

	buf_init(&text, 65536);
	open_publisher(&p);
	ck_assert_int_eq(release_write(&p, &full), 0);
	ck_assert_int_eq(file_read(at("pub/releases/0300000000000000000000000000"
		"000000000000000000000000000000000000.json"), &text), 0);
	ck_assert_uint_eq(text.at[text.len - 1], '}');
	text.len--;
	buf_add_text(&text, ", \"more\": 1}");
	buf_add(&text, "", 1);
	write_text("pub/releases/0300000000000000000000000000"
		"000000000000000000000000000000000000.json", (char *)text.at);
	ck_assert_int_eq(release_list_load(&p, &list), -EINVAL);
	publisher_close(&p);
	buf_done(&text);
}
END_TEST

START_TEST(release_list_find_wants_one)
{
	struct release two[] = {{.manifest_digest = {0x12, 0x34, 0x56, 0x78, 1}},
		{.manifest_digest = {0x12, 0x34, 0x56, 0x78, 2}}};
	const struct release_list list = {two, 2};
	struct release *found = NULL;

	ck_assert_int_eq(release_list_find(&list, "1234567802", &found), 0);
	ck_assert_ptr_eq(found, &two[1]);
	ck_assert_int_eq(release_list_find(&list, "12345678", &found),
		-EINVAL);
	ck_assert_int_eq(release_list_find(&list, "99345678", &found),
		-ENOENT);
	ck_assert_int_eq(release_list_find(&list, "1234", &found), -EINVAL);
}
END_TEST

START_TEST(release_collides_only_for_the_same_devices)
{
	struct release other = full;

	ck_assert(release_collides(&full, &other));
	other.manifest_digest[0]++;
	ck_assert(release_collides(&full, &other));
	other.hardware_max++;
	ck_assert(!release_collides(&full, &other));
	other = full;
	other.precursors[1][0]++;
	ck_assert(!release_collides(&full, &other));
	other = full;
	other.sequence++;
	ck_assert(!release_collides(&full, &other));
	other = full;
	strcpy(other.component, "net");
	ck_assert(!release_collides(&full, &other));
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *s = suite_create("tools.publish.files");
	TCase *c = tcase_create("files");

	if (keys_start())
		return EXIT_FAILURE;
	tcase_add_checked_fixture(c, make_dir, drop_dir);
	tcase_add_test(c,
		file_write_replaces_whole_and_leaves_nothing_behind);
	tcase_add_test(c, file_write_new_refuses_to_replace);
	tcase_add_test(c, file_read_refuses_more_than_the_limit);
	tcase_add_test(c, folder_lock_refuses_a_second_one);
	tcase_add_test(c, file_copy_by_digest_names_the_copy);
	tcase_add_test(c, key_open_refuses_a_key_that_others_may_read);
	tcase_add_test(c, key_open_names_what_pkcs11_needs);
	tcase_add_test(c, key_make_never_replaces);
	tcase_add_loop_test(c, vendor_conf_read_by_table, 0,
		ROWS(vendor_rows));
	tcase_add_loop_test(c, class_conf_read_by_table, 0, ROWS(class_rows));
	tcase_add_test(c, vendor_conf_round_trip_keeps_quotes);
	tcase_add_test(c, publisher_make_refuses_a_folder_in_use);
	tcase_add_test(c, publisher_state_write_refuses_to_fall);
	tcase_add_test(c, publisher_open_sweeps_what_a_killed_run_left);
	tcase_add_test(c, publisher_clock_check_refuses_to_go_back);
	tcase_add_test(c, release_round_trip_keeps_every_member);
	tcase_add_loop_test(c, release_list_load_refuses_bad_records, 0,
		ROWS(record_rows));
	tcase_add_test(c, release_list_load_refuses_unknown_members);
	tcase_add_test(c, release_list_find_wants_one);
	tcase_add_test(c, release_collides_only_for_the_same_devices);
	suite_add_tcase(s, c);
	return unit_run(s);
}
