/* `berth-supervisor userns`: a process that is only there for its user namespace. */
#ifndef BERTH_USER_NAMESPACE_H
#define BERTH_USER_NAMESPACE_H

/* Makes a user namespace, says a byte on its output, and ends when its input does. Whoever started
 * it writes the maps meanwhile and opens the namespace, which an id-mapped mount is to have. */
int user_namespace_main(void);

#endif
