/* Children that have ended, of every kind. */
#ifndef BERTH_CHILDREN_H
#define BERTH_CHILDREN_H

/* Takes every child that has ended; called on SIGCHLD, and when a helper has reported. */
void children_reap(void);

#endif
