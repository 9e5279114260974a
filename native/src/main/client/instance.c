#include "instance.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_CONFIG (64 * 1024)
#define FEWEST_FILES 256 /* descriptors of some dozen lines */

/*
 * Options before the verb. A line with another one here is not understood, and left to the program
 * that says why.
 */
static const char *const with_value[] = {"-n", "--namespace",       "-a",        "--address",
                                         "--connect-timeout", "--timeout", NULL};
static const char *const without[] = {"--debug", "--timing", "-h",  "--help",
                                      "-v",      "--version", NULL};

/* Names that mean another file in every process; the resident would open its own. */
static const char *const of_process[] = {"/dev/fd",    "/dev/std",          "/dev/tty",
                                         "/proc/self", "/proc/thread-self", NULL};

/* Folders that have them: a way out of one and back in may end at each. */
static const char *const with_own[] = {"/dev", "/proc", NULL};

/* What a JVM of this line's own would be told, which one that runs already is not. */
static const char *const of_jvm[] = {"BERTH_AOT_TRAIN", "BERTH_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS",
                                     "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS",     NULL};

/* Variables that name files. */
static const char *const paths[] = {"HOME", "XDG_CONFIG_HOME", "BERTH_CONFIG", NULL};

static bool one_of(const char *word, const char *const *list) {
  for (; *list != NULL; list++)
    if (strcmp(word, *list) == 0)
      return true;
  return false;
}

/* Whether a name stands here; `//` and `/./` are a slash like any other. */
static bool stands_at(const char *at, const char *name) {
  for (; *name != 0; name++) {
    if (*at++ != *name)
      return false;
    while (*name == '/' && (*at == '/' || (at[0] == '.' && at[1] == '/')))
      at++;
  }
  return true;
}

static bool holds(const char *text, const char *name) {
  for (; *text != 0; text++)
    if (stands_at(text, name))
      return true;
  return false;
}

/* Whether the text holds one of the names; in the root folder they need no slash before them. */
static bool holds_any(const char *text, const char *const *names, bool in_root) {
  for (; *names != NULL; names++)
    if (holds(text, in_root ? *names + 1 : *names))
      return true;
  return false;
}

static bool names_own_file(const char *text, bool in_root) {
  return holds_any(text, of_process, in_root) ||
         (strstr(text, "..") != NULL && holds_any(text, with_own, in_root));
}

/* Whether names without a slash may mean another file in every process. */
static bool is_among_own_files(const char *folder) {
  return strcmp(folder, "/dev") == 0 || strncmp(folder, "/dev/", 5) == 0 ||
         strcmp(folder, "/proc") == 0 || strncmp(folder, "/proc/", 6) == 0;
}

/* Whether this process may do less than it would like to. A line that somebody else carries out for
 * it would do more than was allowed, and a resident that it starts cannot raise its bounds. */
static bool is_bounded(void) {
  static const int without_bound[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA};
  struct rlimit limit;
  for (size_t i = 0; i < sizeof without_bound / sizeof without_bound[0]; i++)
    if (getrlimit(without_bound[i], &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
      return true;
  return getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < FEWEST_FILES;
}

static bool is_for_resident(char **arguments) {
  char folder[PATH_MAX];
  if (is_bounded())
    return false;
  if (getcwd(folder, sizeof folder) == NULL)
    folder[0] = 0; /* a line without a folder is not brought either */
  if (is_among_own_files(folder))
    return false;
  bool in_root = strcmp(folder, "/") == 0;
  for (char **word = arguments + 1; *word != NULL; word++)
    if (names_own_file(*word, in_root))
      return false;
  for (const char *const *name = of_jvm; *name != NULL; name++)
    if (getenv(*name) != NULL)
      return false;
  for (const char *const *name = paths; *name != NULL; name++)
    if (getenv(*name) != NULL && names_own_file(getenv(*name), in_root))
      return false;
  return true;
}

/* What `--config` names, the last one if there are several; false for a line that is not understood. */
static bool given_config(char **arguments, const char **config) {
  for (char **word = arguments + 1; *word != NULL && (*word)[0] == '-'; word++) {
    if (strncmp(*word, "--config=", 9) == 0) {
      *config = *word + 9;
    } else if (strcmp(*word, "--config") == 0) {
      if (*++word == NULL)
        return false;
      *config = *word;
    } else if (one_of(*word, with_value)) {
      if (*++word == NULL)
        return false;
    } else if (!one_of(*word, without)) {
      return false;
    }
  }
  return true;
}

static char *skip_blanks(char *at) {
  while (*at == ' ' || *at == '\t')
    at++;
  return at;
}

/* A string of TOML in one line, without escapes. */
static bool plain_string(char *at, char *to, size_t room) {
  char quote = *at;
  if (quote != '"' && quote != '\'')
    return false;
  char *end = strchr(at + 1, quote);
  size_t length = end == NULL ? 0 : (size_t)(end - at) - 1;
  if (end == NULL || length == 0 || length >= room)
    return false;
  memcpy(to, at + 1, length);
  to[length] = 0;
  at = skip_blanks(end + 1);
  return strchr(to, '\\') == NULL && (*at == 0 || *at == '#');
}

/* Reads the key `state` of a configuration, as most are written; false where it needs TOML. */
static bool state_in(char *text, char *state, size_t room) {
  if (strstr(text, "\"\"\"") != NULL || strstr(text, "'''") != NULL)
    return false;
  char *rest = text;
  for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\r')
      line[length - 1] = 0;
    char *at = skip_blanks(line);
    if (*at == '[')
      break;
    if (*at == '"' || *at == '\'')
      return false;
    if (strncmp(at, "state", 5) != 0)
      continue;
    at = skip_blanks(at + 5);
    if (*at == '=')
      return plain_string(skip_blanks(at + 1), state, room);
  }
  return true;
}

static bool read_state(int fd, char *state, size_t room) {
  static char text[MAX_CONFIG + 1];
  size_t length = 0;
  ssize_t count;
  while (length < MAX_CONFIG && (count = read(fd, text + length, MAX_CONFIG - length)) > 0)
    length += (size_t)count;
  text[length] = 0;
  return length < MAX_CONFIG && strlen(text) == length && state_in(text, state, room);
}

bool instance_of(char **arguments, struct instance *instance) {
  const char *given = getenv("BERTH_CONFIG");
  if (given != NULL && *given == 0)
    given = NULL;
  if (!is_for_resident(arguments) || !given_config(arguments, &given))
    return false;
  strcpy(instance->state, "/run/berth");
  instance->config[0] = 0;
  if (given != NULL && realpath(given, instance->config) == NULL)
    return false;
  int fd = open(given != NULL ? instance->config : "/etc/berth/config.toml", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return given == NULL;
  bool known = read_state(fd, instance->state, sizeof instance->state);
  close(fd);
  return known && instance->state[0] == '/';
}
