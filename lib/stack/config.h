/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the configuration: a file is read into lines that are well formed (config_file), whose values are checked
 * against the tables of schemas (config, config_value); the library's own sections then become structs (config_host),
 * and those a host (config_apply). All but the last are pure: they touch no device and need no EAL.
 */
#ifndef MR_STACK_CONFIG_H
#define MR_STACK_CONFIG_H

#include <stdio.h>
#include <sys/queue.h>

#include <rte_cfgfile.h>

#include "stack/millrace.h"

struct mr_config_value {
	bool given;              /* in the file, not the default */
	int64_t num;
	unsigned n;              /* items */
	char **text;             /* as written, one per item */
	struct mr_subnet *addr;  /* of ADDR and PREFIX, one per item */
};

struct mr_config_section {
	TAILQ_ENTRY(mr_config_section) link;
	const struct mr_config_schema *schema;
	char name[CFG_NAME_LEN];
	bool bad;                /* an error was reported about it */
	struct mr_config_value values[]; /* one per key of the schema, in its order */
};

/* A static neighbour of a port. */
struct mr_config_neigh {
	uint16_t nic;
	struct mr_addr addr;
	struct mr_lladdr ll;
};

/* A protocol-wide option that the file sets. */
struct mr_config_opt {
	uint16_t proto;          /* MR_NET_* or MR_TRANS_* */
	uint16_t opt;            /* enum mr_opt */
	int64_t value;
	const struct mr_config_section *section;
	const char *key;
};

struct mr_config {
	char *file;
	FILE *err;
	unsigned errors;
	bool no_memory;
	const struct mr_config_schema *app;
	TAILQ_HEAD(, mr_config_section) sections;
	/* what the library's own sections say */
	struct mr_host_opts host;
	struct mr_config_port *ports;
	const struct mr_config_section **port_sections;
	unsigned n_ports;
	struct mr_route_entry *routes;
	const struct mr_config_section **route_sections;
	unsigned n_routes;
	struct mr_config_neigh *neighs;
	unsigned n_neighs;
	struct mr_config_opt *opts;
	unsigned n_opts;
	bool forwarding;
};

/* Kinds of section of the library; ends with a NULL name. */
extern const struct mr_config_schema mr_config_own[];

/* Read the lines of a file and have rte_cfgfile parse those that are well formed; the others are reported.
 * @return the parsed file; NULL if there is nothing to parse, with the reason reported and in *r */
struct rte_cfgfile *mr_config_file_read(struct mr_config *c, int *r);
/* Fill `v` from `text`, or add to it if the key is a list. @param err one phrase: what is wrong, and the fix.
 * @return 0, -EINVAL, -ENOMEM */
int mr_config_value_parse(const struct mr_config_key *k, const char *text, struct mr_config_value *v, char *err,
                          size_t err_size);
/* Write type and range of a key's values in words. */
void mr_config_value_describe(const struct mr_config_key *k, char *buf, size_t size);
/* Take back what parsing has allocated. */
void mr_config_value_free(struct mr_config_value *v);
/* Make the library's structs of the sections; errors between sections are reported. */
void mr_config_host_build(struct mr_config *c);
/* The name of `names` (NULL where there is none) that `text` was probably meant to be, or NULL. */
const char *mr_config_near(const char *text, const char *const *names, unsigned n);

#endif
