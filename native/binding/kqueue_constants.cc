// Flags and filters of kqueue.
// Only the preprocessor can say whether a header defines a name, so each stands under its own
// condition.

#include "constants.h"

#include <sys/types.h>

#if __has_include(<sys/event.h>)
// after sys/types.h
#include <sys/event.h>
#endif

namespace genloop {

ConstantTable kqueueConstants() {
#if __has_include(<sys/event.h>)
  static const Constant kTable[] = {

#ifdef EVFILT_READ
      NAMED(EVFILT_READ),
#endif
#ifdef EVFILT_WRITE
      NAMED(EVFILT_WRITE),
#endif
#ifdef EVFILT_EMPTY
      NAMED(EVFILT_EMPTY),
#endif
#ifdef EVFILT_AIO
      NAMED(EVFILT_AIO),
#endif
#ifdef EVFILT_VNODE
      NAMED(EVFILT_VNODE),
#endif
#ifdef EVFILT_PROC
      NAMED(EVFILT_PROC),
#endif
#ifdef EVFILT_PROCDESC
      NAMED(EVFILT_PROCDESC),
#endif
#ifdef EVFILT_SIGNAL
      NAMED(EVFILT_SIGNAL),
#endif
#ifdef EVFILT_TIMER
      NAMED(EVFILT_TIMER),
#endif
#ifdef EVFILT_USER
      NAMED(EVFILT_USER),
#endif
#ifdef EVFILT_EXCEPT
      NAMED(EVFILT_EXCEPT),
#endif
#ifdef EVFILT_MACHPORT
      NAMED(EVFILT_MACHPORT),
#endif
#ifdef EVFILT_FS
      NAMED(EVFILT_FS),
#endif
#ifdef EV_ADD
      NAMED(EV_ADD),
#endif
#ifdef EV_DELETE
      NAMED(EV_DELETE),
#endif
#ifdef EV_ENABLE
      NAMED(EV_ENABLE),
#endif
#ifdef EV_DISABLE
      NAMED(EV_DISABLE),
#endif
#ifdef EV_ONESHOT
      NAMED(EV_ONESHOT),
#endif
#ifdef EV_CLEAR
      NAMED(EV_CLEAR),
#endif
#ifdef EV_RECEIPT
      NAMED(EV_RECEIPT),
#endif
#ifdef EV_DISPATCH
      NAMED(EV_DISPATCH),
#endif
#ifdef EV_KEEPUDATA
      NAMED(EV_KEEPUDATA),
#endif
#ifdef EV_FORCEONESHOT
      NAMED(EV_FORCEONESHOT),
#endif
#ifdef EV_UDATA_SPECIFIC
      NAMED(EV_UDATA_SPECIFIC),
#endif
#ifdef EV_FLAG0
      NAMED(EV_FLAG0),
#endif
#ifdef EV_FLAG1
      NAMED(EV_FLAG1),
#endif
#ifdef EV_OOBAND
      NAMED(EV_OOBAND),
#endif
#ifdef EV_EOF
      NAMED(EV_EOF),
#endif
#ifdef EV_ERROR
      NAMED(EV_ERROR),
#endif
#ifdef NOTE_LOWAT
      NAMED(NOTE_LOWAT),
#endif
#ifdef NOTE_OOB
      NAMED(NOTE_OOB),
#endif
#ifdef NOTE_FILE_POLL
      NAMED(NOTE_FILE_POLL),
#endif
#ifdef NOTE_DELETE
      NAMED(NOTE_DELETE),
#endif
#ifdef NOTE_WRITE
      NAMED(NOTE_WRITE),
#endif
#ifdef NOTE_EXTEND
      NAMED(NOTE_EXTEND),
#endif
#ifdef NOTE_ATTRIB
      NAMED(NOTE_ATTRIB),
#endif
#ifdef NOTE_LINK
      NAMED(NOTE_LINK),
#endif
#ifdef NOTE_RENAME
      NAMED(NOTE_RENAME),
#endif
#ifdef NOTE_REVOKE
      NAMED(NOTE_REVOKE),
#endif
#ifdef NOTE_NONE
      NAMED(NOTE_NONE),
#endif
#ifdef NOTE_OPEN
      NAMED(NOTE_OPEN),
#endif
#ifdef NOTE_CLOSE
      NAMED(NOTE_CLOSE),
#endif
#ifdef NOTE_CLOSE_WRITE
      NAMED(NOTE_CLOSE_WRITE),
#endif
#ifdef NOTE_READ
      NAMED(NOTE_READ),
#endif
#ifdef NOTE_EXIT
      NAMED(NOTE_EXIT),
#endif
#ifdef NOTE_EXITSTATUS
      NAMED(NOTE_EXITSTATUS),
#endif
#ifdef NOTE_FORK
      NAMED(NOTE_FORK),
#endif
#ifdef NOTE_EXEC
      NAMED(NOTE_EXEC),
#endif
#ifdef NOTE_TRACK
      NAMED(NOTE_TRACK),
#endif
#ifdef NOTE_SIGNAL
      NAMED(NOTE_SIGNAL),
#endif
#ifdef NOTE_REAP
      NAMED(NOTE_REAP),
#endif
#ifdef NOTE_SECONDS
      NAMED(NOTE_SECONDS),
#endif
#ifdef NOTE_MSECONDS
      NAMED(NOTE_MSECONDS),
#endif
#ifdef NOTE_USECONDS
      NAMED(NOTE_USECONDS),
#endif
#ifdef NOTE_NSECONDS
      NAMED(NOTE_NSECONDS),
#endif
#ifdef NOTE_ABSTIME
      NAMED(NOTE_ABSTIME),
#endif
#ifdef NOTE_ABSOLUTE
      NAMED(NOTE_ABSOLUTE),
#endif
#ifdef NOTE_MACHTIME
      NAMED(NOTE_MACHTIME),
#endif
#ifdef NOTE_CRITICAL
      NAMED(NOTE_CRITICAL),
#endif
#ifdef NOTE_BACKGROUND
      NAMED(NOTE_BACKGROUND),
#endif
#ifdef NOTE_LEEWAY
      NAMED(NOTE_LEEWAY),
#endif
#ifdef NOTE_TRIGGER
      NAMED(NOTE_TRIGGER),
#endif
#ifdef NOTE_FFNOP
      NAMED(NOTE_FFNOP),
#endif
#ifdef NOTE_FFAND
      NAMED(NOTE_FFAND),
#endif
#ifdef NOTE_FFOR
      NAMED(NOTE_FFOR),
#endif
#ifdef NOTE_FFCOPY
      NAMED(NOTE_FFCOPY),
#endif
#ifdef NOTE_FFCTRLMASK
      NAMED(NOTE_FFCTRLMASK),
#endif
#ifdef NOTE_FFLAGSMASK
      NAMED(NOTE_FFLAGSMASK),
#endif
  };
  return tableOf(kTable);
#else
  return {nullptr, 0};
#endif
}

}  // namespace genloop
