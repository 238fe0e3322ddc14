"""The one function that makes C++ identifiers from names of a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_KEYWORDS = frozenset(
    """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl
    concept const constexpr const_cast continue decltype default delete do double dynamic_cast else enum
    explicit export extern false float for friend goto if inline int long main mutable namespace new noexcept
    not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
    short signed sizeof static static_assert static_cast struct switch template this thread_local throw true
    try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq std hls
    hlsgen ap_fixed ap_ufixed ap_int ap_uint
    """.split()
)
_MACROS = frozenset(
    """
    null eof nan infinity inf huge_val rand_max bufsiz exit_success exit_failure int_max int_min uint_max
    long_max char_bit dbl_max flt_max domain sing overflow underflow ploss tloss offsetof va_list i linux
    unix i386 arm mips sun vax char8_t consteval constinit co_await co_return co_yield module import
    """.split()
)
"""What the standard headers or some compilers define, and words of later standards."""
_HARDWARE = frozenset(
    """
    abs access after alias all always architecture array assert assign attribute automatic begin block body buf buffer
    bufif0 bufif1 bus casex casez cell cmos component config configuration constant deassign defparam design disable
    disconnect downto edge elsif end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify
    endtable endtask entity event exit file force forever fork function generate generic genvar group guarded highz0
    highz1 ifnone impure in incdir include inertial initial inout input instance integer is join label large liblist
    library linkage literal localparam loop macromodule map medium mod module nand negedge new next nmos nor
    noshowcancelled notif0 notif1 null of on open others out output package parameter pmos port posedge postponed
    primitive procedure process pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure range rcmos
    real realtime record reg reject release rem repeat report rnmos rol ror rpmos rtran rtranif0 rtranif1 scalared
    select severity shared showcancelled signal sla sll small specify specparam sra srl strong0 strong1 subtype supply0
    supply1 table task then time to tran tranif0 tranif1 transport tri tri0 tri1 triand trior trireg type unaffected
    units until use variable vectored wait wand weak0 weak1 when wire with wor xnor
    """.split()
)
"""Words of Verilog and VHDL that are none of C++: Vitis HLS gives a port of such a name another one (``input_r``)."""
_SUFFIXES = ("_t", "_word", "_config", "_w", "_b", "_packs", "_parts", "_port", "_loaded", "_loads", "_words")
"""What generated names end with: those of a wire's types, its step, its constants, of what is beside a port, and of
what loads a step's weights."""
_HEADERS = """
    alloca assert complex ctype endian errno features fenv float hls_math hls_stream inttypes iso646 limits
    locale malloc math memory pthread sched setjmp signal stdalign stdarg stdatomic stdbool stddef stdint
    stdio stdlib string strings tgmath threads time types uchar unistd wchar wctype
    """.split()
PROJECT_NAMES = frozenset([*_HEADERS, "design", "parameters", "weights", "read_weights"])
"""A project becomes a file ``<name>.h`` on the include path; these would hide another header."""
C_FUNCTIONS = frozenset(
    """
    abort abs access acos acosh alarm asctime asin asinh atan atan2 atanh atexit atof atoi atol atoll basename bcmp
    bcopy bsearch btowc bzero calloc cbrt ceil chdir chmod chown clearenv clearerr clock clone close confstr
    copysign cos cosh creat crypt ctermid ctime daemon difftime div dprintf drand48 dup dup2 dup3 environ erand48
    erf erfc execl execv exit exp exp2 expm1 fabs fchdir fchown fclose fdim fdopen feof ferror fflush ffs fgetc
    fgetpos fgets fgetwc fgetws fileno flock floor fma fmax fmemopen fmin fmod fopen fork fprintf fputc fputs fputwc
    fputws fread free freopen frexp fscanf fseek fseeko fsetpos fsync ftell ftello ftruncate fwide fwprintf fwrite
    fwscanf gamma getc getchar getcwd getdate getdelim getegid getentropy getenv geteuid getgid gethostid
    gethostname getline getlogin getopt getpgid getpgrp getpid getppid gets getsid getsubopt getuid getw getwc
    getwchar gmtime hypot index initstate ioctl isalnum isalpha isascii isatty isblank iscntrl isdigit isgraph
    islower isprint ispunct isspace isupper iswalnum iswalpha iswblank iswcntrl iswctype iswdigit iswgraph iswlower
    iswprint iswpunct iswspace iswupper iswxdigit isxdigit j0 j1 jn jrand48 kill labs lchown lcong48 ldexp ldiv
    lgamma link llabs lldiv llrint llround localeconv localtime lockf log log10 log1p log2 logb longjmp lrand48
    lrint lround lseek malloc mblen mbrlen mbrtowc mbsinit mbsrtowcs mbstowcs mbtowc memccpy memchr memcmp memcpy
    memmem memmove mempcpy memset mkdir mkdtemp mkstemp mktemp mktime modf mrand48 nan nanosleep nearbyint newlocale
    nextafter nexttoward nice nrand48 open pause pclose perror pipe pipe2 poll popen pow pread printf putc putchar
    putenv puts putw putwc putwchar pwrite qsort quick_exit raise rand rand_r random rawmemchr read readlink realloc
    reallocarray realpath recv remainder remove remquo rename rewind rindex rint rmdir round rpmatch scalb scalbln
    scalbn scanf seed48 select send setbuf setbuffer setegid setenv seteuid setgid setlinebuf setlocale setpgid
    setpgrp setregid setreuid setsid setstate setuid setvbuf significand sin sinh sleep snprintf socket sprintf sqrt
    srand srand48 srandom sscanf stat stpcpy stpncpy strcasecmp strcat strchr strcmp strcoll strcpy strcspn strdup
    strerror strfry strftime strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk strptime strrchr
    strsep strsignal strspn strstr strtod strtof strtok strtol strtold strtoll strtoul strtoull strxfrm swab
    swprintf swscanf symlink sync syscall sysconf system tan tanh tempnam tgamma time tmpfile tmpnam toascii tolower
    toupper towctrans towlower towupper trunc truncate ttyname tzset ualarm umask ungetc ungetwc unlink unsetenv
    usleep vfork vfprintf vfscanf vhangup vprintf vscanf vsnprintf vsprintf vsscanf wait waitpid wcpcpy wcrtomb
    wcscat wcschr wcscmp wcscoll wcscpy wcscspn wcsdup wcsftime wcslen wcsncat wcsncmp wcsncpy wcspbrk wcsrchr
    wcsrtombs wcsspn wcsstr wcstod wcstof wcstok wcstol wcstold wcstoll wcstombs wcstoul wcstoull wcswidth wcsxfrm
    wctob wctomb wctrans wctype wcwidth wmemchr wmemcmp wmemcpy wmemmove wmemset wprintf write wscanf y0 y1 yn
    """.split()
)
"""Functions of the C library and of POSIX: a function of C linkage called so would take their place."""
WIRE_NAMES = frozenset(
    """
    are_zero argc argv assert bind bits bool c chunk constant constants describe e expected folder get get_bits
    get_words hls_stream i inputs line load load_stream load_weights out outputs parameters port put put_bits put_words
    read_weights result results run samples sound store store_stream text this_design wanted weights word words wrong x
    y w b
    stdin stdout stderr errno
    """.split()
)
"""Names that the templates use where the names of tensors are visible."""


class Identifiers:
    """Hands out safe, unique identifiers; remembers which name became which."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {name.lower() for name in reserved}

    def make(self, name: str) -> str:
        """Return an identifier for ``name``: ASCII letters, digits and single underscores, never a keyword.

        Uniqueness ignores case, because file names are made from identifiers too.
        """
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        word = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:48].rstrip("_")
        if not word or word[0].isdigit() or _is_reserved(word.lower()) or word.endswith(_SUFFIXES):
            word = f"n_{word}".rstrip("_") + ("_" + "v" if word.endswith(_SUFFIXES) else "")
        unique, count = word, 1
        while unique.lower() in self._taken:
            count += 1
            unique = f"{word}_{count}"
        self._taken.add(unique.lower())
        return unique


def _is_reserved(word: str) -> bool:
    return word in _KEYWORDS | _MACROS | _HARDWARE or word.startswith(("hlsgen_", "ap_"))


def comment(name: str) -> str:
    """Return ``name`` as it may stand in a C++ line comment: one line, no backslash at its end, no trigraphs."""
    line = "".join(c if c.isprintable() and c != "\\" else "?" for c in name)[:120]
    return re.sub(r"\?(?=\?)", "? ", line).rstrip()
