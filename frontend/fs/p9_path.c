/* From names to descriptors: one name at a time, never through a symbolic link, so that nothing
 * outside the root is ever reached (openat(2), O_NOFOLLOW). */
#include "frontend/fs/p9_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool p9_name_ok(const char *name)
{
    return name[0] && strlen(name) < P9_NAME && !strchr(name, '/') && strcmp(name, ".") &&
           strcmp(name, "..");
}

bool p9_join(const char *path, const char *name, char buf[P9_PATH])
{
    int n = snprintf(buf, P9_PATH, "%s%s%s", path, path[0] ? "/" : "", name);

    return n >= 0 && n < P9_PATH;
}

/* The next name of *path; false at the end. */
static bool next_name(const char **path, char name[P9_NAME])
{
    size_t n = strcspn(*path, "/");

    if (!n || n >= P9_NAME)
        return false;
    memcpy(name, *path, n);
    name[n] = 0;
    *path += n;
    if (**path)
        ++*path;
    return true;
}

int p9_folder(struct p9 *s, const char *path)
{
    int at = fcntl(s->root, F_DUPFD_CLOEXEC, 3);
    char name[P9_NAME];

    if (at < 0)
        return -errno;
    while (next_name(&path, name)) {
        int next = p9_name_ok(name)
                       ? openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                       : (errno = EINVAL, -1);
        int e = errno;

        close(at);
        if (next < 0)
            return -e;
        at = next;
    }
    return at;
}

int p9_parent(struct p9 *s, const char *path, char name[P9_NAME])
{
    const char *slash = strrchr(path, '/');
    char up[P9_PATH];

    if (!path[0]) {
        strcpy(name, ".");
        return p9_folder(s, "");
    }
    snprintf(up, sizeof(up), "%.*s", slash ? (int)(slash - path) : 0, path);
    path = slash ? slash + 1 : path;
    if (!p9_name_ok(path))
        return -EINVAL;
    memcpy(name, path, strlen(path) + 1);
    return p9_folder(s, up);
}
