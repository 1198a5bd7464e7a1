"""Why a request outside of any dialog is refused, compiled: the types of `objections.py`."""

from fastpath.sipscan cimport Message
from sip.messages.message cimport sdp_of
from sip.messages.options cimport unsupported


cpdef object objection(Message message, str method, object merges, long long min_se_s)
