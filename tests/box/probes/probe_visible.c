// B9: which of the paths named as arguments can be seen, entered and written.
//   see_PATH, list_PATH, write_PATH

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "probe.h"

static const char* path;

static int see(void) {
  struct stat info;
  return errno_of(lstat(path, &info));
}
static int list(void) {
  DIR* directory = opendir(path);
  if (directory == NULL) return errno;
  const struct dirent* entry;
  int entries = 0;
  while ((entry = readdir(directory)) != NULL) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) ++entries;
  }
  return entries > 0 ? 0 : ENODATA;  // there, and empty
}
static int read_it(void) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  char byte;
  return fd < 0 ? errno : errno_of(read(fd, &byte, 1));
}
static int write_in(void) {
  char name[4096];
  snprintf(name, sizeof name, "%s/.probe-%d", path, (int)getpid());
  const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) unlink(name);
  return errno_of(fd);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const struct {
      const char* prefix;
      act_function act;
    } kinds[] = {{"see", see}, {"list", list}, {"read", read_it}, {"write", write_in}};
    path = argv[i];
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; ++k) {
      char name[4200];
      snprintf(name, sizeof name, "%s_%s", kinds[k].prefix, path);
      attempt(name, kinds[k].act);
    }
  }
  return end();
}
