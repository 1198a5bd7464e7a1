"""In which time zones the area codes of the United States lie, by the plan that shares them out.

Source: the area code maps of the North American Numbering Plan Administrator (nanpa.com) and the
zone boundaries of 49 CFR 71. An area code that crosses one has both zones. A mobile number moves
with its owner: a list that knows where people live is the better source (`zone_column`).
"""

from __future__ import annotations

from typing import Final

_BY_ZONE: Final = {
    "America/New_York": (
        "201 202 203 207 212 215 216 220 223 227 229 231 234 239 240 248 252 260 267 269 "
        "272 276 283 301 302 304 305 313 315 317 321 324 326 329 330 332 336 339 347 351 "
        "352 363 380 386 401 404 407 410 412 413 419 434 436 440 443 445 463 465 470 472 "
        "475 478 484 502 508 513 516 517 518 540 551 561 567 570 571 582 585 586 603 606 "
        "607 609 610 614 616 617 631 640 645 646 656 667 678 679 680 681 686 689 703 704 "
        "706 716 717 718 724 727 728 732 734 740 743 754 757 762 765 770 771 772 774 781 "
        "786 802 803 804 810 813 814 821 826 828 835 838 839 843 845 848 854 856 857 859 "
        "860 862 863 864 865 878 904 908 910 912 914 917 919 929 934 937 941 943 947 948 "
        "954 959 973 978 980 984 989"
    ),
    "America/Chicago": (
        "205 210 214 217 218 224 225 228 235 251 254 256 262 274 281 309 312 314 316 318 "
        "319 320 325 327 331 334 337 346 353 361 402 405 409 414 417 430 447 457 464 469 "
        "471 479 483 501 504 507 512 515 531 534 539 557 563 572 573 580 601 608 612 615 "
        "618 621 629 630 636 641 651 659 660 662 682 708 712 713 715 726 730 731 737 763 "
        "769 773 779 806 815 816 817 830 832 847 861 870 872 901 903 913 918 920 924 931 "
        "936 938 940 945 952 956 972 975 979 985"
    ),
    "America/Denver": "303 307 385 406 435 505 575 719 720 748 801 915 970 983",
    "America/Phoenix": "480 520 602 623",
    "America/Los_Angeles": (
        "206 209 213 253 279 310 323 341 350 357 360 369 408 415 424 425 442 503 509 510 "
        "530 559 562 564 619 626 628 650 657 661 669 702 707 714 725 738 747 760 805 818 "
        "820 831 837 840 858 909 916 925 949 951 971"
    ),
    "Pacific/Honolulu": "808",
    "America/Puerto_Rico": "340 787 939",
    "Pacific/Guam": "670 671",
    "Pacific/Pago_Pago": "684",
}
_ACROSS: Final = {
    ("America/Adak", "America/Anchorage"): "907",
    ("America/Chicago", "America/Denver"): "308 432 605 620 701 785",
    ("America/Chicago", "America/New_York"): "219 270 364 423 448 574 812 850 906 930",
    ("America/Denver", "America/Los_Angeles"): "208 458 541 775 986",
    ("America/Denver", "America/Phoenix"): "928",
}

ANYWHERE: Final = ("America/New_York", "Pacific/Honolulu")  # of an unknown area: all between

ZONES_OF_AREA: Final[dict[str, tuple[str, ...]]] = {
    **{area: (zone,) for zone, areas in _BY_ZONE.items() for area in areas.split()},
    **{area: zones for zones, areas in _ACROSS.items() for area in areas.split()},
}

COUNTRY: Final = "1"


def us_zones(phone: int) -> tuple[str, ...]:
    """The zones of an E.164 number; those furthest apart when its area is not known."""
    digits = str(phone)
    known = ZONES_OF_AREA.get(digits[1:4]) if len(digits) == 11 and digits[0] == COUNTRY else None
    return known or ANYWHERE
