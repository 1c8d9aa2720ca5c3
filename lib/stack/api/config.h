/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Configuration: an INI file to a checked structure, and a host from it. Part of <millrace.h>.
 */
#ifndef MR_API_CONFIG_H
#define MR_API_CONFIG_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_config;

/** Type of a key's value. */
enum mr_config_type {
	MR_CONFIG_BOOL,     /**< yes, no, on, off, true, false, 1, 0 */
	MR_CONFIG_NUMBER,   /**< decimal, not negative */
	MR_CONFIG_SIZE,     /**< the same with an optional k, m or g (powers of 1024) */
	MR_CONFIG_DURATION, /**< with ns, us, ms or s; read as nanoseconds */
	MR_CONFIG_WORD,     /**< one of `words`; read as its index */
	MR_CONFIG_WORDS,    /**< a comma-separated set of `words`; read as a bit mask of indices */
	MR_CONFIG_TEXT,
	MR_CONFIG_ADDR,     /**< IPv4 or IPv6 address */
	MR_CONFIG_PREFIX,   /**< address and prefix length */
};

#define MR_CONFIG_REQUIRED (1u << 0) /**< the key must be there */
#define MR_CONFIG_LIST (1u << 1) /**< TEXT, ADDR, PREFIX: comma-separated; the key may be repeated and adds to the list */

/** One key of a section. */
struct mr_config_key {
	const char *name;    /**< as it is written */
	enum mr_config_type type; /**< of its value */
	uint32_t flags;      /**< MR_CONFIG_* */
	int64_t min;         /**< least number, bytes or ns */
	int64_t max;         /**< most; 0: no limit */
	const char *words;   /**< of WORD and WORDS: "busy|yield|sleep" */
	const char *def;     /**< value of an absent key, as it would be written; NULL: 0 or nothing */
	const char *help;    /**< one line */
};

struct mr_config_section;

/** One kind of section: [NAME], at most once, or [NAME INSTANCE], any number. */
struct mr_config_schema {
	const char *name;    /**< NAME */
	bool instances;      /**< [NAME INSTANCE] */
	const char *help;    /**< one line */
	const struct mr_config_key *keys; /**< ends with a NULL name */
	/** What the table cannot say, by mr_config_error; called for sections whose keys are right. May be NULL. */
	void (*check)(struct mr_config *c, const struct mr_config_section *s);
};

/**
 * Read and check an INI file: [host], [ip], [tcp], [port NAME], [route NAME], and the sections of `app`. Opens no device.
 * Every error of the file is written to `err` as one line: FILE: [section] key: what is wrong, and the fix.
 * Context: one thread.
 * @param app kinds of section that the application adds; ends with a NULL name; NULL: none. Must outlive the result.
 * @param err stdio stream (FILE *). @return 0, -EINVAL (errors written), -errno of the file (written), -ENOMEM.
 */
int mr_config_load(const char *file, const struct mr_config_schema *app, void *err, struct mr_config **out);
/** Free a configuration and all that was read from it. NULL does nothing. Context: one thread. */
void mr_config_free(struct mr_config *c);
/** Next section of a kind in the file's order, after `prev` (NULL: the first). NULL: no more. Context: one thread. */
const struct mr_config_section *mr_config_next(const struct mr_config *c, const char *kind,
                                               const struct mr_config_section *prev);
/** INSTANCE of [KIND INSTANCE]; "" for a kind without. Context: one thread. */
const char *mr_config_name(const struct mr_config_section *s);
/** Is the key in the file? Context: one thread. */
bool mr_config_has(const struct mr_config_section *s, const char *key);
/** Value, or its default, of BOOL, NUMBER, SIZE, DURATION, WORD and WORDS. `s` NULL (no such section): the default, 0.
 *  Context: one thread. */
int64_t mr_config_int(const struct mr_config_section *s, const char *key);
/** Item i of a value as it is written (i is 0 for what is no list); NULL: no more. Valid until mr_config_free.
 *  Context: one thread. */
const char *mr_config_text(const struct mr_config_section *s, const char *key, unsigned i);
/** Item i of an ADDR or PREFIX; NULL: no more. Context: one thread. */
const struct mr_subnet *mr_config_addr(const struct mr_config_section *s, const char *key, unsigned i);
/** Report an error from a check. Context: one thread. @param s may be NULL. @param key may be NULL. */
void mr_config_error(struct mr_config *c, const struct mr_config_section *s, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/** Write a reference of all sections and keys: type, range, default, help. Context: one thread. @param out stdio stream
 *  (FILE *) */
void mr_config_describe(const struct mr_config_schema *app, void *out);

/** A [port NAME] as it was checked. NIC ids count from 1 in the file's order. */
struct mr_config_port {
	struct mr_host_port port;       /**< for mr_host_add_port */
	const struct mr_subnet *addrs;  /**< its addresses */
	unsigned n_addrs;               /**< how many */
};
/** The ports. Context: one thread. @return how many. */
unsigned mr_config_ports(const struct mr_config *c, const struct mr_config_port **out);
/** The [host] section. Context: one thread. */
const struct mr_host_opts *mr_config_host(const struct mr_config *c);
/** Create the host with the ports, addresses, neighbours, routes and options of the file; not started. The caller's, to be
 *  ended by mr_host_destroy. Context: main lcore. @param err stdio stream (FILE *) for one line about what failed.
 *  @return 0, or -errno as mr_host_create, mr_host_add_port, or the call that is refused; then nothing is left. */
int mr_config_apply(const struct mr_config *c, void *err, struct mr_host **out);

#ifdef __cplusplus
}
#endif
#endif
