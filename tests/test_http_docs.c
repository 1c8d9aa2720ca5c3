/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's documents: which are found, and those that must not be reached.
 */
#include "http_request.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/millrace/docroot.h"

static char dir[] = "/tmp/mr-test-http-XXXXXX";

static void
file_put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void
dir_put(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void
link_put(const char *to, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(symlink(to, path), 0);
}

/* dir/secret is outside of the root dir/root. */
static int
docroot_setup(void)
{
	char path[64];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	file_put("secret", "secret");
	dir_put("root");
	dir_put("root/sub");
	dir_put("root/empty");
	file_put("root/a.txt", "hello");
	file_put("root/a b.html", "blank");
	file_put("root/nothing.json", "");
	file_put("root/sub/index.html", "index");
	link_put("../secret", "root/out");
	link_put("/etc/passwd", "root/passwd");
	link_put("a.txt", "root/in");
	link_put("loop", "root/loop");
	snprintf(path, sizeof(path), "%s/root/fifo", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/root", dir);
	fd = docroot_open_root(path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
docroot_teardown(int fd)
{
	char command[64];

	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const struct {
	const char *target;
	unsigned status;
	const char *has, *body;
} documents[] = {
	{"/a.txt", 200, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n", "hello"},
	{"//a.txt?x=/../", 200, "", "hello"},
	{"/%61%2Etxt", 200, "", "hello"},
	{"/a%20b.html", 200, "", "blank"},
	{"/sub/../a.txt", 200, "", "hello"},
	{"/in", 200, "Content-Type: application/octet-stream\r\n", "hello"},
	{"/sub/", 200, "Content-Type: text/html", "index"},
	{"/sub", 200, "", "index"},
	{"/", 200, "Content-Type: text/plain", NULL}, /* no index.html: what it always is */
	{"/empty/", 404, "", NULL},
	{"/none", 404, "", NULL},
	{"/a.txt/x", 404, "", NULL},
	{"/../secret", 403, "", NULL},
	{"/sub/../../secret", 403, "", NULL},
	{"/%2e%2e/secret", 403, "", NULL},
	{"/..%2fsecret", 403, "", NULL},
	{"/out", 403, "", NULL},
	{"/passwd", 403, "", NULL},
	{"/loop", 403, "", NULL},
	{"/fifo", 403, "", NULL},
	{"/a%00.txt", 400, "", NULL},
	{"/%", 400, "", NULL},
	{"/%4", 400, "", NULL},
	{"/%zz", 400, "", NULL},
};

START_TEST(documents_stay_below_the_root)
{
	int fd = docroot_setup();

	for (unsigned i = 0; i < DIM(documents); i++) {
		char text[256], line[32];
		const char *head;

		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", documents[i].target);
		head = answer(text, fd);
		snprintf(line, sizeof(line), "HTTP/1.1 %u ", documents[i].status);
		ck_assert_msg(strncmp(head, line, strlen(line)) == 0, "%s: %s", documents[i].target, head);
		ck_assert_msg(strstr(head, documents[i].has) != NULL, "%s: %s", documents[i].target, head);
		if (documents[i].body) {
			ck_assert_int_ge(reply.fd, 0);
			body_is(documents[i].body);
		} else {
			ck_assert_int_eq(reply.fd, -1);
		}
		http_reply_fini(&reply);
		ck_assert_int_eq(reply.fd, -1);
	}
	docroot_teardown(fd);
}
END_TEST

START_TEST(target_longer_than_any_path)
{
	int fd = docroot_setup(), file;
	char target[5000];
	uint64_t size;

	for (size_t i = 0; i < sizeof(target) - 1; i++)
		target[i] = i % 2 ? '.' : '/';
	target[sizeof(target) - 1] = '\0';
	ck_assert_int_eq(docroot_open(fd, target, &file, &size), 400);
	docroot_teardown(fd);
}
END_TEST

START_TEST(head_and_empty_of_a_document)
{
	int fd = docroot_setup();

	answer("HEAD /a.txt HTTP/1.1\r\n" HOST "\r\n", fd);
	ck_assert_ptr_nonnull(strstr(reply.head, "Content-Length: 5\r\n"));
	ck_assert(reply.end == 0);
	http_reply_fini(&reply);
	answer("GET /nothing.json HTTP/1.1\r\n" HOST "\r\n", fd);
	ck_assert_ptr_nonnull(strstr(reply.head, "Content-Type: application/json\r\nContent-Length: 0\r\n"));
	http_reply_fini(&reply);
	docroot_teardown(fd);
}
END_TEST

START_TEST(document_that_shrinks)
{
	int fd = docroot_setup();
	uint8_t buf[16];
	char path[64];
	size_t n;

	answer("GET /a.txt HTTP/1.1\r\n" HOST "\r\n", fd);
	snprintf(path, sizeof(path), "%s/root/a.txt", dir);
	ck_assert_int_eq(truncate(path, 2), 0);
	ck_assert_ptr_eq(http_reply_body(&reply, buf, sizeof(buf), &n), buf);
	ck_assert_uint_eq(n, 2);
	reply.off = 2;
	ck_assert_ptr_null(http_reply_body(&reply, buf, sizeof(buf), &n));
	http_reply_fini(&reply);
	docroot_teardown(fd);
}
END_TEST

START_TEST(roots_that_are_none)
{
	ck_assert_int_lt(docroot_open_root("/nonexistent"), 0);
	ck_assert_int_lt(docroot_open_root("/etc/passwd"), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("http_docs");
	TCase *t = rig_case(s, "http", NULL, NULL);

	tcase_add_test(t, documents_stay_below_the_root);
	tcase_add_test(t, target_longer_than_any_path);
	tcase_add_test(t, head_and_empty_of_a_document);
	tcase_add_test(t, document_that_shrinks);
	tcase_add_test(t, roots_that_are_none);
	return s;
}

RIG_MAIN(suite)
