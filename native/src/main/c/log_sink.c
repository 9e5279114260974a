#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "loop.h"
#include "supervisor.h"

#define LOGS_MAX 64u
#define BATCH_MAX (128u << 10)
#define HEADER_MAX 48u
#define FILES_MAX 1000u
#define PARTS_MAX 64u
#define LONG 1024u /* from so many bytes on they are written from where they lie */

struct pending {
  uint32_t length;
  uint8_t bytes[LOG_LINE_MAX];
};

struct log_writer {
  uint32_t users;
  int folder;
  int file;
  dev_t device; /* of the folder */
  ino_t inode;
  uint64_t size;
  uint64_t max_size;
  uint32_t max_files;
  char name[256];
  struct pending *pending; /* two: stdout, stderr; mapped */
};

static struct log_writer writers[LOGS_MAX];
static uint8_t batch[BATCH_MAX]; /* one thread: one batch is enough for all */
static uint32_t batch_used;
static struct iovec parts[PARTS_MAX]; /* of the batch, and of what is logged */
static uint32_t part_count;
static uint32_t batched; /* bytes of all parts */

static int open_file(struct log_writer *log) {
  log->file = openat(log->folder, log->name,
                     O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (log->file < 0)
    return -1;
  struct stat st;
  if (fstat(log->file, &st) < 0 || !S_ISREG(st.st_mode)) {
    close_fd(&log->file);
    errno = EINVAL;
    return -1;
  }
  log->size = (uint64_t)st.st_size;
  return 0;
}

static struct log_writer *find_open(const struct stat *st, const char *name) {
  for (unsigned i = 0; i < LOGS_MAX; i++)
    if (writers[i].users > 0 && writers[i].device == st->st_dev && writers[i].inode == st->st_ino &&
        strcmp(writers[i].name, name) == 0)
      return &writers[i];
  return NULL;
}

struct log_writer *log_open(int folder, const char *name, uint64_t max_size, uint32_t max_files,
                            struct failure *failure) {
  struct stat st;
  if (fstat(folder, &st) < 0) {
    fail(failure, errno, "open log", name);
    return NULL;
  }
  struct log_writer *log = find_open(&st, name);
  if (log != NULL) {
    log->users++;
    return log;
  }
  for (unsigned i = 0; i < LOGS_MAX && log == NULL; i++)
    if (writers[i].users == 0)
      log = &writers[i];
  if (log == NULL) {
    fail(failure, EMFILE, "open log", "too many log files");
    return NULL;
  }
  memset(log, 0, sizeof *log);
  log->file = -1;
  log->device = st.st_dev;
  log->inode = st.st_ino;
  log->max_size = max_size;
  log->max_files = max_files > FILES_MAX ? FILES_MAX : max_files;
  snprintf(log->name, sizeof log->name, "%s", name);
  log->folder = fcntl(folder, F_DUPFD_CLOEXEC, 3);
  void *p = mmap(NULL, 2 * sizeof(struct pending), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (log->folder < 0 || p == MAP_FAILED || open_file(log) < 0) {
    fail(failure, errno, "open log", name);
    close_fd(&log->folder);
    if (p != MAP_FAILED)
      munmap(p, 2 * sizeof(struct pending));
    return NULL;
  }
  log->pending = p;
  log->users = 1;
  return log;
}

void log_close(struct log_writer *log) {
  if (--log->users > 0)
    return;
  close_fd(&log->file);
  close_fd(&log->folder);
  munmap(log->pending, 2 * sizeof(struct pending));
}

static void rotate(struct log_writer *log) {
  char from[272], to[272];
  close_fd(&log->file);
  if (log->max_files <= 1) {
    unlinkat(log->folder, log->name, 0);
  } else {
    /* The oldest goes by itself: a file that is renamed onto another is written to the disk at once
     * (auto_da_alloc of ext4(5)), for ten milliseconds. */
    snprintf(to, sizeof to, "%s.%u", log->name, log->max_files - 1);
    unlinkat(log->folder, to, 0);
    for (uint32_t i = log->max_files - 1; i > 1; i--) {
      snprintf(from, sizeof from, "%s.%u", log->name, i - 1);
      snprintf(to, sizeof to, "%s.%u", log->name, i);
      renameat(log->folder, from, log->folder, to);
    }
    snprintf(to, sizeof to, "%s.1", log->name);
    renameat(log->folder, log->name, log->folder, to);
  }
  open_file(log); /* fails: every record is counted as dropped, each batch tries again */
}

/* Writes what the parts hold; answers how much of it was taken. */
static uint32_t write_parts(int file, uint32_t count) {
  uint32_t done = 0;
  for (struct iovec *part = parts, *end = parts + count; part < end;) {
    ssize_t n = writev(file, part, (int)(end - part));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    done += (uint32_t)n;
    size_t left = (size_t)n;
    for (; part < end && left >= part->iov_len; part++)
      left -= part->iov_len;
    if (part < end) {
      part->iov_base = (uint8_t *)part->iov_base + left;
      part->iov_len -= left;
    }
  }
  return done;
}

/* Writes the batch; on a full disk the file is cut back to its last whole record. */
static void write_batch(struct log_writer *log) {
  if (batched == 0)
    return;
  uint32_t length = batched;
  uint32_t count = part_count;
  batched = batch_used = part_count = 0;
  if (log->file < 0 && open_file(log) < 0) {
    supervisor.log_dropped += length;
    return;
  }
  uint32_t done = write_parts(log->file, count);
  if (done < length) {
    supervisor.log_dropped += length;
    if (done > 0 && ftruncate(log->file, (off_t)log->size) < 0)
      log->size += done;
    return;
  }
  log->size += length;
}

static uint32_t put_header(uint8_t *out, uint64_t at, uint32_t stream, bool full) {
  /* Breaking a second down into a date costs more than all the rest, so it is done once a second.
   */
  static uint64_t second = UINT64_MAX;
  static char text[24];
  uint64_t s = at / 1000000000u;
  if (s != second) {
    time_t t = (time_t)s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    second = s;
  }
  int n =
      snprintf((char *)out, HEADER_MAX, "%.19s.%09uZ %s %c ", text, (unsigned)(at % 1000000000u),
               stream == 2 ? "stderr" : "stdout", full ? 'F' : 'P');
  return (uint32_t)n;
}

static void put_part(const uint8_t *bytes, uint32_t length) {
  struct iovec *last = part_count > 0 ? &parts[part_count - 1] : NULL;
  if (last != NULL && (const uint8_t *)last->iov_base + last->iov_len == bytes)
    last->iov_len += length;
  else
    parts[part_count++] = (struct iovec){(void *)(uintptr_t)bytes, length};
  batched += length;
}

static void put_copy(const uint8_t *bytes, uint32_t length) {
  if (length == 0)
    return;
  memcpy(batch + batch_used, bytes, length);
  put_part(batch + batch_used, length);
  batch_used += length;
}

static void put_bytes(const uint8_t *bytes, uint32_t length) {
  if (length >= LONG)
    put_part(bytes, length);
  else
    put_copy(bytes, length);
}

/* Head and tail stay where they lie until the batch is written. */
static void put_record(struct log_writer *log, uint32_t stream, uint64_t at, bool full,
                       const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                       uint32_t tail_length) {
  uint32_t need = HEADER_MAX + head_length + tail_length + 1;
  if (batch_used + need > BATCH_MAX || part_count + 4 > PARTS_MAX)
    write_batch(log);
  if (log->max_size > 0 && log->size + batched > 0 &&
      log->size + batched + need - HEADER_MAX + 45 > log->max_size) {
    write_batch(log);
    rotate(log);
  }
  uint8_t header[HEADER_MAX];
  put_copy(header, put_header(header, at, stream, full));
  put_bytes(head, head_length);
  put_bytes(tail, tail_length);
  put_copy((const uint8_t *)"\n", 1);
}

/* As memchr(3), where most blocks hold none: a C library's looks at eight bytes at a time. */
static const uint8_t *find_newline(const uint8_t *bytes, uint32_t length) {
  typedef uint8_t block __attribute__((vector_size(16)));
  typedef uint64_t half __attribute__((vector_size(16)));
  block newlines, read[4];
  memset(&newlines, '\n', sizeof newlines);
  for (; length >= sizeof read; bytes += sizeof read, length -= (uint32_t)sizeof read) {
    memcpy(read, bytes, sizeof read);
    half found = (half)((read[0] == newlines) | (read[1] == newlines) | (read[2] == newlines) |
                        (read[3] == newlines));
    if ((found[0] | found[1]) != 0)
      break;
  }
  return memchr(bytes, '\n', length);
}

void log_write(struct log_writer *log, uint32_t stream, const uint8_t *bytes, uint32_t length) {
  struct pending *pending = &log->pending[stream == 2 ? 1 : 0];
  uint64_t at = realtime_now();
  while (length > 0) {
    uint32_t room = LOG_LINE_MAX - pending->length;
    uint32_t look = length < room ? length : room;
    const uint8_t *newline = find_newline(bytes, look);
    uint32_t take = newline != NULL ? (uint32_t)(newline - bytes) : look;
    if (newline == NULL && look < room) { /* an unfinished line that fits */
      write_batch(log); /* which may hold what is overwritten now */
      memcpy(pending->bytes + pending->length, bytes, take);
      pending->length += take;
      break;
    }
    put_record(log, stream, at, newline != NULL, pending->bytes, pending->length, bytes, take);
    pending->length = 0;
    uint32_t used = take + (newline != NULL ? 1u : 0u);
    bytes += used;
    length -= used;
  }
  write_batch(log);
}

void log_flush(struct log_writer *log, uint32_t stream) {
  struct pending *pending = &log->pending[stream == 2 ? 1 : 0];
  if (pending->length == 0)
    return;
  put_record(log, stream, realtime_now(), false, pending->bytes, pending->length, NULL, 0);
  pending->length = 0;
  write_batch(log);
}
