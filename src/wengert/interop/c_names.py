"""Which names a C file can give to its functions."""

import re

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.interop.c_library import PREFIX

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while asm typeof main
"""
# Functions of the C library that compilers know, and would complain about under another type.
_MATH = """
acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs
fdim floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2
logb lrint lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint round scalbln
scalbn sin sinh sqrt tan tanh tgamma trunc cabs cacos cacosh carg casin casinh catan catanh ccos
ccosh cexp cimag clog conj cpow cproj creal csin csinh csqrt ctan ctanh
"""
_OTHERS = """
abort abs calloc exit fprintf fputc fputs free fscanf fwrite imaxabs isalnum isalpha isblank iscntrl
isdigit isfinite isgraph isinf islower isnan isnormal isprint ispunct isspace isupper isxdigit labs
llabs malloc memchr memcmp memcpy memmove memset printf putc putchar puts realloc scanf signbit
snprintf sprintf sscanf strcat strchr strcmp strcpy strcspn strlen strncat strncmp strncpy strpbrk
strrchr strspn strstr tolower toupper vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf
alloca bcmp bcopy bzero index rindex ffs gamma j0 j1 jn y0 y1 yn signgam drem exp10 pow10 scalb
significand sincos stpcpy strdup fpclassify isgreater isless isunordered signgam double_t float_t
"""
RESERVED = frozenset(_KEYWORDS.split()) | frozenset(
    name + suffix for name in (*_MATH.split(), *_OTHERS.split()) for suffix in ("", "f", "l")
)


def checked(name: object, what: str) -> str:
    """A name that was asked for.

    Raises:
        OperandError: it is no C identifier, or C has it for something else.
    """
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise OperandError(
            f"{what} is the name of a C function: letters, digits and _, a letter first, "
            f"not {describe(name)}."
        )
    if _is_taken(name):
        raise OperandError(
            f"{name!r} cannot be the name of a C function: C has it for something else. "
            f"Choose another, such as {name}_program."
        )
    return name


def made(name: str) -> str:
    """An identifier like the name of a program."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    plain = plain if _IDENTIFIER.fullmatch(plain) else f"program_{plain}".rstrip("_")
    return f"{plain}_program" if _is_taken(plain) else plain


def _is_taken(name: str) -> bool:
    return name in RESERVED or name.startswith(PREFIX) or name in ("NAN", "INFINITY", "HUGE_VAL")
