/*
 * What the thin client and the resident command line say to each other, over a SOCK_SEQPACKET
 * socket: numbers in this machine's order, a message a packet. The client greets, the resident
 * offers to take the line, and only when the client says GO is anything of it carried out; until
 * then either side may go away, and the client carries the line out by a process of its own.
 */
#ifndef LINE_H
#define LINE_H

#include <stdint.h>

#define LINE_VERSION 1

/* From the client. */
#define LINE_HELLO 1    /* struct line_hello with five descriptors */
#define LINE_GO 2       /* the offer is accepted */
#define LINE_SIGNAL 3   /* value: a signal that this process was sent */
#define LINE_TERMINAL 4 /* value: 0, or why the terminal's mode could not be changed (errno) */
#define LINE_CONTINUED 5 /* this process was stopped, and goes on */
/* value: LINE_STREAM_* whose carrying has ended; from LINE_ERROR_SHIFT on an errno, if nothing takes
 * that output any more */
#define LINE_CARRIED 6

/* From the resident. */
#define LINE_OFFER 16    /* it will carry the line out */
#define LINE_REFUSED 17  /* value: a LINE_REFUSED_*; nothing was done */
#define LINE_WAITS 18    /* value: how many lines are carried out; an offer may come */
#define LINE_KEEPS 19    /* value: 1 from now on signals are not for this process, 0 they are */
#define LINE_MODE 20     /* value: a LINE_MODE_*; answered by LINE_TERMINAL */
#define LINE_EFFECT 21   /* value: a signal that is to have its default effect on this process */
#define LINE_ENDED 22    /* value: the line's exit code */
/* value: LINE_STREAM_* to be carried between this process's own streams and the pipe whose
 * descriptor comes along; answered by LINE_CARRIED, at its end */
#define LINE_CARRY 23

#define LINE_REFUSED_PEER 1  /* the client is not in the resident's place */
#define LINE_REFUSED_BUILD 2 /* the client is of an older build */
#define LINE_REFUSED_OLD 3   /* the client is of a newer build; the resident ends */
#define LINE_REFUSED_NOW 4   /* no more lines are taken now; nobody is to be started instead */

#define LINE_MODE_BEFORE 0 /* as it was at first */
#define LINE_MODE_RAW 1    /* every byte goes through as it is typed */
#define LINE_MODE_SILENT 2 /* what is typed is not shown */

#define LINE_STREAM_IN 1
#define LINE_STREAM_OUT 2
#define LINE_STREAM_ERR 4 /* with LINE_STREAM_OUT: both are one file, and come by one pipe */
#define LINE_STREAM_MASK 255
#define LINE_ERROR_SHIFT 8

#define LINE_DESCRIPTORS 5 /* the text, the folder, standard input, output and error */
/* Some hundred lines are carried out or wait at once, all in one heap. */
#define LINE_MAX_TEXT (100 * 1024)

struct line_message {
  uint32_t op;
  uint32_t value;
};

/*
 * The text is a memfd: the numbers of arguments and of variables (uint32_t each), then strings
 * that a NUL ends each: the folder's path, the arguments, the variables.
 */
struct line_hello {
  uint32_t op;
  uint32_t version;
  uint64_t build_inode; /* of the client's own program: the same build has the same */
  uint64_t build_size;
  uint64_t build_time; /* nanoseconds; of two builds the later is the newer one */
  uint64_t ignored;    /* signals that this process ignores, bit 0 is signal 1 */
  uint32_t umask;
  uint32_t text_size;
};

_Static_assert(sizeof(struct line_message) == 8, "the resident reads it byte by byte");
_Static_assert(sizeof(struct line_hello) == 48, "the resident reads it byte by byte");

#endif
