/*
 * Paths of a container, resolved by the kernel within its root: neither a symbolic link nor "..",
 * nor a magic link of /proc, leads out. Never by joining strings.
 */
#ifndef BERTH_ROOTED_H
#define BERTH_ROOTED_H

#include <stdbool.h>
#include <sys/types.h>

#include "child.h"

/* The root's descriptor. */
int rooted_root(struct child *child, struct failure *failure);
/* Opens `path` with O_PATH (and `flags`); -1 with the failure filled, whose error is ENOENT when it
 * is absent. */
int rooted_open(struct child *child, const char *path, int flags, struct failure *failure);
/* The same, made when absent: a folder (with `mode`) or an empty file, parents 0755. Follows
 * dangling links as far as they say. */
int rooted_make(struct child *child, const char *path, bool folder, mode_t mode,
                struct failure *failure);
/* Opens the (made if absent) parent folder and gives the last name, which must be a plain one. */
int rooted_parent(struct child *child, const char *path, char *name, size_t size,
                  struct failure *failure);
/* Refuses (EXDEV) an opened target in procfs whose path does not say so: whoever made the plan has
 * judged the path, and a link of the image's has led it elsewhere. */
int rooted_outside_proc(int fd, const char *path, struct failure *failure);

#endif
