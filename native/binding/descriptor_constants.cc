// Opening, controlling and waiting for descriptors.
// What every system has stands bare, what Linux always has under one condition, the rest under one
// each, as only the preprocessor can say whether a header defines a name.

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "constants.h"

#if defined(__linux__)
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

#if __has_include(<sys/filio.h>)
#include <sys/filio.h>
#include <sys/sockio.h>
#endif

namespace genloop {

ConstantTable descriptorConstants() {
  static const Constant kTable[] = {
    NAMED(S_IFMT),
    NAMED(S_IFREG),
    NAMED(S_IFDIR),
    NAMED(S_IFCHR),
    NAMED(S_IFBLK),
    NAMED(S_IFIFO),
    NAMED(S_IFLNK),
    NAMED(S_IFSOCK),
    NAMED(O_RDONLY),
    NAMED(O_WRONLY),
    NAMED(O_RDWR),
    NAMED(O_ACCMODE),
    NAMED(O_CREAT),
    NAMED(O_EXCL),
    NAMED(O_NOCTTY),
    NAMED(O_TRUNC),
    NAMED(O_APPEND),
    NAMED(O_NONBLOCK),
    NAMED(O_SYNC),
    NAMED(O_CLOEXEC),
    NAMED(O_DIRECTORY),
    NAMED(O_NOFOLLOW),
    NAMED(F_DUPFD),
    NAMED(F_DUPFD_CLOEXEC),
    NAMED(F_GETFD),
    NAMED(F_SETFD),
    NAMED(F_GETFL),
    NAMED(F_SETFL),
    NAMED(F_GETOWN),
    NAMED(F_SETOWN),
    NAMED(FD_CLOEXEC),
    NAMED(FD_SETSIZE),
    NAMED(S_IRUSR),
    NAMED(S_IWUSR),
    NAMED(S_IXUSR),
    NAMED(S_IRGRP),
    NAMED(S_IWGRP),
    NAMED(S_IROTH),
    NAMED(S_IWOTH),
    NAMED(STDIN_FILENO),
    NAMED(STDOUT_FILENO),
    NAMED(STDERR_FILENO),
    NAMED(POLLIN),
    NAMED(POLLPRI),
    NAMED(POLLOUT),
    NAMED(POLLERR),
    NAMED(POLLHUP),
    NAMED(POLLNVAL),
    NAMED(POLLRDNORM),
    NAMED(POLLRDBAND),
    NAMED(POLLWRNORM),
    NAMED(POLLWRBAND),
    NAMED(FIONREAD),
    NAMED(FIONBIO),
    NAMED(FIOASYNC),
    NAMED(FIOCLEX),
    NAMED(FIONCLEX),
#if defined(__linux__)
    NAMED(O_NDELAY),
    NAMED(O_DSYNC),
    NAMED(F_GETPIPE_SZ),
    NAMED(F_SETPIPE_SZ),
    NAMED(EFD_SEMAPHORE),
    NAMED(EFD_NONBLOCK),
    NAMED(EFD_CLOEXEC),
    NAMED(TFD_NONBLOCK),
    NAMED(TFD_CLOEXEC),
    NAMED(TFD_TIMER_ABSTIME),
    NAMED(POLLRDHUP),
    NAMED(EPOLL_CTL_ADD),
    NAMED(EPOLL_CTL_MOD),
    NAMED(EPOLL_CTL_DEL),
    NAMED(EPOLL_CLOEXEC),
    NAMED(EPOLLIN),
    NAMED(EPOLLPRI),
    NAMED(EPOLLOUT),
    NAMED(EPOLLERR),
    NAMED(EPOLLHUP),
    NAMED(EPOLLRDNORM),
    NAMED(EPOLLRDBAND),
    NAMED(EPOLLWRNORM),
    NAMED(EPOLLWRBAND),
    NAMED(EPOLLRDHUP),
    NAMED(EPOLLONESHOT),
    NAMED(EPOLLET),
    NAMED(SIOCATMARK),
    NAMED(SIOCINQ),
    NAMED(SIOCOUTQ),
    NAMED(SIOCGIFINDEX),
    NAMED(SIOCGIFNAME),
    NAMED(SIOCGIFFLAGS),
    NAMED(SIOCGIFADDR),
    NAMED(SIOCGIFHWADDR),
    NAMED(SIOCGIFMTU),
#endif
#ifdef O_ASYNC
    NAMED(O_ASYNC),
#endif
#ifdef O_DIRECT
    NAMED(O_DIRECT),
#endif
#ifdef O_NOATIME
    NAMED(O_NOATIME),
#endif
#ifdef O_PATH
    NAMED(O_PATH),
#endif
#ifdef O_TMPFILE
    NAMED(O_TMPFILE),
#endif
#ifdef O_LARGEFILE
    NAMED(O_LARGEFILE),
#endif
#ifdef O_EVTONLY
    NAMED(O_EVTONLY),
#endif
#ifdef O_SYMLINK
    NAMED(O_SYMLINK),
#endif
#ifdef POLLMSG
    NAMED(POLLMSG),
#endif
#ifdef POLLREMOVE
    NAMED(POLLREMOVE),
#endif
#ifdef POLLINIGNEOF
    NAMED(POLLINIGNEOF),
#endif
#ifdef EPOLLMSG
    NAMED(EPOLLMSG),
#endif
#ifdef EPOLLEXCLUSIVE
    NAMED(EPOLLEXCLUSIVE),
#endif
#ifdef EPOLLWAKEUP
    NAMED(EPOLLWAKEUP),
#endif
#ifdef FIONWRITE
    NAMED(FIONWRITE),
#endif
#ifdef FIONSPACE
    NAMED(FIONSPACE),
#endif
  };
  return tableOf(kTable);
}

}  // namespace genloop
