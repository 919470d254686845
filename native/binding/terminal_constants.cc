// Terminals and serial lines.
// What every system has stands bare, what Linux always has under one condition, the rest under one
// each, as only the preprocessor can say whether a header defines a name.

#include <sys/ioctl.h>

#include "constants.h"

#if defined(__linux__)
// The kernel's own termios, which ioctl speaks (NCCS is 19, not 32), and termios2 for odd speeds;
// the C library's header cannot stand beside it.
#include <asm/termbits.h>
#else
#include <termios.h>
#endif

namespace genloop {

ConstantTable terminalConstants() {
  static const Constant kTable[] = {
    NAMED(TIOCEXCL),
    NAMED(TIOCNXCL),
    NAMED(TIOCSCTTY),
    NAMED(TIOCNOTTY),
    NAMED(TIOCGPGRP),
    NAMED(TIOCSPGRP),
    NAMED(TIOCOUTQ),
    NAMED(TIOCGWINSZ),
    NAMED(TIOCSWINSZ),
    NAMED(TIOCMGET),
    NAMED(TIOCMBIS),
    NAMED(TIOCMBIC),
    NAMED(TIOCMSET),
    NAMED(TIOCSBRK),
    NAMED(TIOCCBRK),
    NAMED(TIOCM_LE),
    NAMED(TIOCM_DTR),
    NAMED(TIOCM_RTS),
    NAMED(TIOCM_CTS),
    NAMED(TIOCM_CAR),
    NAMED(TIOCM_CD),
    NAMED(TIOCM_RNG),
    NAMED(TIOCM_RI),
    NAMED(TIOCM_DSR),
    NAMED(IGNBRK),
    NAMED(BRKINT),
    NAMED(IGNPAR),
    NAMED(PARMRK),
    NAMED(INPCK),
    NAMED(ISTRIP),
    NAMED(INLCR),
    NAMED(IGNCR),
    NAMED(ICRNL),
    NAMED(IXON),
    NAMED(IXANY),
    NAMED(IXOFF),
    NAMED(OPOST),
    NAMED(ONLCR),
    NAMED(CSIZE),
    NAMED(CS5),
    NAMED(CS6),
    NAMED(CS7),
    NAMED(CS8),
    NAMED(CSTOPB),
    NAMED(CREAD),
    NAMED(PARENB),
    NAMED(PARODD),
    NAMED(HUPCL),
    NAMED(CLOCAL),
    NAMED(CRTSCTS),
    NAMED(ISIG),
    NAMED(ICANON),
    NAMED(ECHO),
    NAMED(ECHOE),
    NAMED(ECHOK),
    NAMED(ECHONL),
    NAMED(NOFLSH),
    NAMED(TOSTOP),
    NAMED(IEXTEN),
    NAMED(VINTR),
    NAMED(VQUIT),
    NAMED(VERASE),
    NAMED(VKILL),
    NAMED(VEOF),
    NAMED(VTIME),
    NAMED(VMIN),
    NAMED(VSTART),
    NAMED(VSTOP),
    NAMED(VSUSP),
    NAMED(NCCS),
    NAMED(TCSANOW),
    NAMED(TCSADRAIN),
    NAMED(TCSAFLUSH),
    NAMED(TCIFLUSH),
    NAMED(TCOFLUSH),
    NAMED(TCIOFLUSH),
    NAMED(B0),
    NAMED(B50),
    NAMED(B75),
    NAMED(B110),
    NAMED(B134),
    NAMED(B150),
    NAMED(B200),
    NAMED(B300),
    NAMED(B600),
    NAMED(B1200),
    NAMED(B1800),
    NAMED(B2400),
    NAMED(B4800),
    NAMED(B9600),
    NAMED(B19200),
    NAMED(B38400),
    NAMED(B57600),
    NAMED(B115200),
    NAMED(B230400),
#if defined(__linux__)
    NAMED(TCGETS),
    NAMED(TCSETS),
    NAMED(TCSETSW),
    NAMED(TCSETSF),
    NAMED(TCGETS2),
    NAMED(TCSETS2),
    NAMED(TCSETSW2),
    NAMED(TCSETSF2),
    NAMED(TCSBRK),
    NAMED(TCSBRKP),
    NAMED(TCXONC),
    NAMED(TCFLSH),
    NAMED(TIOCINQ),
    NAMED(TIOCSTI),
    NAMED(TIOCMIWAIT),
    NAMED(TIOCGICOUNT),
    NAMED(TIOCPKT),
    NAMED(TIOCGSID),
    NAMED(TIOCGPTN),
    NAMED(TIOCSPTLCK),
    NAMED(TIOCGSERIAL),
    NAMED(TIOCSSERIAL),
    NAMED(IUTF8),
    NAMED(B460800),
    NAMED(B500000),
    NAMED(B576000),
    NAMED(B921600),
    NAMED(B1000000),
    NAMED(B1152000),
    NAMED(B1500000),
    NAMED(B2000000),
    NAMED(B2500000),
    NAMED(B3000000),
    NAMED(B3500000),
    NAMED(B4000000),
    NAMED(BOTHER),
    NAMED(CBAUD),
    NAMED(CMSPAR),
    NAMED(IBSHIFT),
    NAMED(CBAUDEX),
#endif
#ifdef TIOCGPTPEER
    NAMED(TIOCGPTPEER),
#endif
#ifdef TIOCGETA
    NAMED(TIOCGETA),
#endif
#ifdef TIOCSETA
    NAMED(TIOCSETA),
#endif
#ifdef TIOCSETAW
    NAMED(TIOCSETAW),
#endif
#ifdef TIOCSETAF
    NAMED(TIOCSETAF),
#endif
#ifdef TIOCSDTR
    NAMED(TIOCSDTR),
#endif
#ifdef TIOCCDTR
    NAMED(TIOCCDTR),
#endif
#ifdef TIOCDRAIN
    NAMED(TIOCDRAIN),
#endif
#ifdef TIOCFLUSH
    NAMED(TIOCFLUSH),
#endif
#ifdef TIOCPTYGNAME
    NAMED(TIOCPTYGNAME),
#endif
#ifdef TIOCPTYGRANT
    NAMED(TIOCPTYGRANT),
#endif
#ifdef TIOCPTYUNLK
    NAMED(TIOCPTYUNLK),
#endif
  };
  return tableOf(kTable);
}

}  // namespace genloop
