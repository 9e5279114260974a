#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdint.h>

/* Gives the terminal at standard input another mode, a LINE_MODE_*; answers 0 or an errno. */
int terminal_change(uint32_t mode);

/* Puts the mode back that was there at first. */
void terminal_restore(void);

/* Puts the last mode that was asked for back, after others had the terminal. */
void terminal_again(void);

#endif
