/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of the request head: one small function per state, each given one byte, each returning the next
 * state. Strict where two readers could disagree about where a request ends (RFC 9112 11.2): no blanks before a colon,
 * no folded lines, no bare CR, no doubtful lengths. A lone LF ends a line, as the RFC allows (2.2).
 */
#include "app/millrace/http_parse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum state {
	S_START,      /* empty lines may come first */
	S_START_LF,
	S_METHOD,
	S_TARGET,
	S_VERSION,    /* "HTTP/" */
	S_MAJOR,
	S_DOT,
	S_MINOR,
	S_LINE_END,   /* CR or LF of the request line */
	S_LF,         /* after a CR: LF, and a field line begins */
	S_FIELD,      /* first byte of a field line */
	S_NAME,
	S_VALUE,
	S_END_LF,     /* LF of the empty line */
	S_DONE,
	S_ERROR,
};

enum field {
	F_OTHER,
	F_HOST,
	F_CONNECTION,
	F_CONTENT_LENGTH,
	F_TRANSFER_ENCODING,
};

static enum state
fail(struct http_parser *p, uint16_t status)
{
	p->status = status;
	return S_ERROR;
}

/* RFC 9110 5.6.2 */
static bool
is_tchar(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void
word_clear(struct http_parser *p)
{
	p->word_len = 0;
	p->word_cut = false;
	p->spaced = false;
}

static void
word_add(struct http_parser *p, char c)
{
	if (p->word_len < HTTP_WORD_MAX)
		p->word[p->word_len++] = c;
	else
		p->word_cut = true;
}

static const char *
word_end(struct http_parser *p)
{
	p->word[p->word_len] = '\0';
	return p->word_cut ? "" : p->word;
}

/* ---- request line */

static enum http_method
method_of(const char *word)
{
	static const char *const others[] = {"POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

	if (strcmp(word, "GET") == 0)
		return HTTP_GET;
	if (strcmp(word, "HEAD") == 0)
		return HTTP_HEAD;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(word, others[i]) == 0)
			return HTTP_OTHER;
	}
	return HTTP_UNKNOWN;
}

static enum state
on_method(struct http_parser *p, unsigned char c)
{
	if (is_tchar(c)) {
		word_add(p, c);
		return S_METHOD;
	}
	if (c != ' ' || p->word_len == 0)
		return fail(p, 400);
	p->req.method = method_of(word_end(p));
	return S_TARGET;
}

static enum state
on_start(struct http_parser *p, unsigned char c)
{
	if (c == '\r')
		return S_START_LF;
	return c == '\n' ? S_START : on_method(p, c);
}

/* Absolute form to origin form (RFC 9112 3.2.2); any other form is for methods that get no further than 405. */
static enum state
target_check(struct http_parser *p)
{
	char *t = p->req.target, *path;

	t[p->target_len] = '\0';
	if (*t == '/' || p->req.method >= HTTP_OTHER)
		return S_VERSION;
	if (strncasecmp(t, "http://", 7) != 0 || !t[7] || t[7] == '/')
		return fail(p, 400);
	path = t + 7 + strcspn(t + 7, "/?");
	if (*path == '/') {
		memmove(t, path, strlen(path) + 1);
	} else { /* nothing, or a query, behind the authority: the path is "/" */
		memmove(t + 1, path, strlen(path) + 1);
		*t = '/';
	}
	return S_VERSION;
}

static enum state
on_target(struct http_parser *p, unsigned char c)
{
	if (c == ' ') {
		word_clear(p);
		return p->target_len ? target_check(p) : fail(p, 400);
	}
	if (c < 0x21 || c == 0x7f)
		return fail(p, 400);
	if (p->target_len == HTTP_TARGET_MAX)
		return fail(p, 414);
	p->req.target[p->target_len++] = c;
	return S_TARGET;
}

static enum state
on_version(struct http_parser *p, unsigned char c)
{
	static const char name[] = "HTTP/";

	if (c != name[p->word_len])
		return fail(p, 400);
	p->word_len++;
	return name[p->word_len] ? S_VERSION : S_MAJOR;
}

static enum state
on_digit(struct http_parser *p, unsigned char c, uint8_t *digit, enum state next)
{
	if (!isdigit(c))
		return fail(p, 400);
	*digit = c - '0';
	return next;
}

static enum state
on_line_end(struct http_parser *p, unsigned char c)
{
	if (c != '\r' && c != '\n')
		return fail(p, 400);
	if (p->major != 1)
		return fail(p, 505);
	p->req.http10 = p->minor == 0;
	return c == '\n' ? S_FIELD : S_LF;
}

/* ---- header fields */

static enum field
field_of(const char *word)
{
	static const char *const names[] = {
		[F_HOST] = "Host",
		[F_CONNECTION] = "Connection",
		[F_CONTENT_LENGTH] = "Content-Length",
		[F_TRANSFER_ENCODING] = "Transfer-Encoding",
	};

	for (unsigned i = F_HOST; i <= F_TRANSFER_ENCODING; i++) {
		if (strcasecmp(word, names[i]) == 0)
			return i;
	}
	return F_OTHER;
}

/* Decimal digits, and the same each time (RFC 9112 6.3). */
static bool
length_add(struct http_parser *p, const char *word)
{
	uint64_t n = 0;
	size_t len = strlen(word);

	if (len == 0 || len > 18 || strspn(word, "0123456789") != len)
		return false;
	while (*word)
		n = n * 10 + (*word++ - '0');
	if (p->has_length && n != p->req.content_length)
		return false;
	p->has_length = true;
	p->req.content_length = n;
	return true;
}

/* The codings that are there, in order; only chunked, once, is known. */
static enum state
coding_add(struct http_parser *p, const char *word)
{
	if (p->req.http10 || p->req.chunked)
		return fail(p, 400);
	if (strcasecmp(word, "chunked") != 0)
		return fail(p, 501);
	p->req.chunked = true;
	return S_VALUE;
}

/* One element of a field's comma-separated value is complete. */
static enum state
element_end(struct http_parser *p, bool last)
{
	const char *word = word_end(p);
	bool empty = p->word_len == 0;

	switch (p->field) {
	case F_CONNECTION:
		p->req.close |= strcasecmp(word, "close") == 0;
		p->keep_alive |= strcasecmp(word, "keep-alive") == 0;
		break;
	case F_CONTENT_LENGTH:
		if (!length_add(p, word))
			return fail(p, 400);
		break;
	case F_TRANSFER_ENCODING:
		if (!empty || last)
			return coding_add(p, word);
		break;
	default:
		break;
	}
	word_clear(p);
	return S_VALUE;
}

static enum state
on_name(struct http_parser *p, unsigned char c)
{
	if (is_tchar(c)) {
		word_add(p, c);
		return S_NAME;
	}
	if (c != ':' || p->word_len == 0)
		return fail(p, 400);
	p->field = field_of(word_end(p));
	if (p->field == F_HOST && p->has_host)
		return fail(p, 400);
	p->has_host |= p->field == F_HOST;
	word_clear(p);
	return S_VALUE;
}

static enum state
on_value(struct http_parser *p, unsigned char c)
{
	enum state next;

	if (c == '\r' || c == '\n') {
		next = element_end(p, true);
		if (next == S_ERROR)
			return next;
		word_clear(p);
		return c == '\n' ? S_FIELD : S_LF;
	}
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return fail(p, 400);
	if (p->field == F_OTHER || p->field == F_HOST)
		return S_VALUE;
	if (c == ',') {
		next = element_end(p, false);
		word_clear(p);
		return next;
	}
	if (c == ' ' || c == '\t') {
		p->spaced = p->word_len > 0;
		return S_VALUE;
	}
	/* A blank inside an element: it is none that we know. */
	if (p->spaced)
		p->word_cut = true;
	word_add(p, c);
	return S_VALUE;
}

/* ---- the whole head */

static enum state
head_end(struct http_parser *p)
{
	if (!p->req.http10 && !p->has_host)
		return fail(p, 400);
	if (p->req.chunked && p->has_length)
		return fail(p, 400);
	if (p->req.http10 && !p->keep_alive)
		p->req.close = true;
	return S_DONE;
}

static enum state
on_field(struct http_parser *p, unsigned char c)
{
	if (c == '\r')
		return S_END_LF;
	if (c == '\n')
		return head_end(p);
	word_clear(p);
	return on_name(p, c);
}

static enum state
step(struct http_parser *p, unsigned char c)
{
	switch ((enum state)p->state) {
	case S_START:
		return on_start(p, c);
	case S_START_LF:
		return c == '\n' ? S_START : fail(p, 400);
	case S_METHOD:
		return on_method(p, c);
	case S_TARGET:
		return on_target(p, c);
	case S_VERSION:
		return on_version(p, c);
	case S_MAJOR:
		return on_digit(p, c, &p->major, S_DOT);
	case S_DOT:
		return c == '.' ? S_MINOR : fail(p, 400);
	case S_MINOR:
		return on_digit(p, c, &p->minor, S_LINE_END);
	case S_LINE_END:
		return on_line_end(p, c);
	case S_LF:
		return c == '\n' ? S_FIELD : fail(p, 400);
	case S_FIELD:
		return on_field(p, c);
	case S_NAME:
		return on_name(p, c);
	case S_VALUE:
		return on_value(p, c);
	case S_END_LF:
		return c == '\n' ? head_end(p) : fail(p, 400);
	default:
		return fail(p, 400);
	}
}

void
http_parser_init(struct http_parser *p)
{
	/* The target is written before it is read. */
	memset(p, 0, offsetof(struct http_parser, req.target));
	p->req.target[0] = '\0';
}

enum http_result
http_parse(struct http_parser *p, const char *buf, size_t len, size_t *used)
{
	size_t i = 0;

	while (i < len && p->state != S_DONE && p->state != S_ERROR) {
		if (p->head_bytes == HTTP_HEAD_MAX) {
			p->state = fail(p, 431);
			break;
		}
		p->head_bytes++;
		p->state = step(p, buf[i++]);
	}
	*used = i;
	if (p->state == S_ERROR)
		return HTTP_ERROR;
	return p->state == S_DONE ? HTTP_COMPLETE : HTTP_MORE;
}
