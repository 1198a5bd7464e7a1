"""Every bound of the SIP stack, and what happens at it.

Times are nanoseconds unless the name says otherwise.

Timer values are RFC 3261 table 4 for UDP; 6026 adds L and M.
"""

from __future__ import annotations

from fastpath import wheel

MS = 1_000_000
SECOND = 1_000 * MS
NEVER = wheel.NEVER

T1 = 500 * MS  # round-trip estimate
T2 = 4 * SECOND  # longest retransmission interval
T4 = 5 * SECOND  # longest time a message stays in the network
TIMEOUT = 64 * T1  # timers B, F, H, J, L, M
TIMER_D = 32 * SECOND
TIMER_I = T4
TIMER_K = T4

# tracing (sip/tracing/trace.py); how many bytes and calls in all is configuration
TRACE_CALL_MESSAGES_MAX = 256  # of one Call-ID; then the middle is cut out
TRACE_CALL_BYTES_MAX = 1 << 20
TRACE_CALL_FIRST = 32  # messages of its beginning that stay
TRACE_MESSAGE_COST = 240  # bytes that a kept message costs besides its own
TRACE_KEY_MAX = 256  # characters of a Call-ID that tell calls apart
TRACE_STRANGERS_MAX = 512  # calls of others in which we never said anything

UDP_BYTES_MAX = 1_300  # RFC 3261 section 18.1.1, where a path's MTU is not known

# of connections, over TCP and TLS
STREAM_HEAD_MAX = 65_536  # bytes of a message's head; more: 513 and the connection is closed
STREAM_BODY_MAX = 65_536  # bytes of its body; more: 513 and the connection is closed
CONNECTIONS_MAX = 4_096  # of one transport; a further one is closed at once
CONNECTIONS_PER_SOURCE_MAX = 128  # that one address opened (offices share one); closed at once
STREAM_QUEUE_MAX = 1 << 20  # bytes that wait for a slow peer; more: the connection is given up
CONNECT_TIME = 5 * SECOND  # connection and TLS handshake each: then the address is unreachable
PARTIAL_TIME = 10 * SECOND  # from a message's first byte to its last, else closed
FIRST_TIME = 10 * SECOND  # from a connection to the first whole message of the peer, else closed
STALL_TIME = 10 * SECOND  # bytes that the peer's machine does not take: unreachable
IDLE_TIME = 1_800 * SECOND  # without a message or a keep-alive either way, then closed
PONG_TIME = 10 * SECOND  # RFC 5626 section 4.4.1
LINGER_TIME = 2 * SECOND  # for a peer to read our last words
UNHEARD_MAX = 32  # requests since the peer last spoke, sent again on a new connection

# of names and the addresses behind them
SEARCHES_MAX = 4_096  # names looked for at a time, and requests that wait for one of them
SEARCH_TIME = 8 * SECOND  # of one search; then it has found nothing
QUERIES_MAX = 64  # questions on their way to name servers; further ones wait for their turn
NAMES_KNOWN_MAX = 8_192  # answers kept; the oldest goes first
RECORDS_MAX = 32  # of one answer; more are not looked at
TTL_MIN_S = 5  # an answer is good at least so long, a failure to get one exactly so long
TTL_MAX_S = 86_400
TTL_NONE_MAX_S = 300  # that there is no such record (RFC 2308)
TTL_STALE_S = 86_400  # answers used past their time while no server answers (RFC 8767)
HELD_MAX = 2_048  # messages that wait for a name; further ones take the address they have
HELD_TIME = 3 * SECOND  # how long one waits before it takes the address it has
SILENT_MAX = 1_024  # addresses that nobody has dealt with; further ones are not told
PINGED_MAX = 1_024  # addresses watched by OPTIONS
NAMED_MAX = 4_096  # names in dialogs that stand for addresses; the oldest goes first
PENALTIES_MAX = 4_096  # addresses in the penalty box; the one that failed longest ago leaves
PENALTY_GROWTH_MAX = 5  # doublings
PENALTY_TIME_MAX = 1_800 * SECOND  # also of a Retry-After

TRYING_WAIT = 200 * MS  # an INVITE that nobody answers in any way gets its 100 then (17.2.1)
RINGING_MAX = 300 * SECOND  # an INVITE that only rings: cancelled, or rejected, after this
FORKS_MAX = (
    8  # 2xx of different branches of one INVITE that are acknowledged and hung up; more are ignored
)
TARGETS_MAX = 8  # addresses that one INVITE tries; more are not tried
CHALLENGES_MAX = 4  # digest rounds of one request (a proxy's and the server's, each once stale)
# calls that an earlier process left behind: so many begin to be ended, the next ones a step later
ORPHANS_PER_STEP = 50
ORPHAN_STEP = 20 * MS
# the life of a call
EARLY_MAX = 8  # early dialogs of one INVITE; what comes from further branches is only told
RELIABLES_MAX = 8  # reliable responses that wait for the PRACK before them; more are dropped
DIGITS_MAX = 64  # keys that wait to leave by INFO, one at a time; more are dropped
GLARES_MAX = 5  # times that one offer of ours is repeated after a 491
REDIRECTS_MAX = 8  # places of 3xx answers that one INVITE tries, if the caller allows any
ANSWER_WAIT = TIMEOUT  # an offer in a 2xx that our side does not answer: hung up
SESSION_MIN_S = 90  # RFC 4028 section 4: no session is refreshed more often, if we are asked
SESSION_FLOOR_S = 4  # what a peer grants (`session_timer.granted`) or takes is raised to this
SESSION_MAX_S = 86_400  # and lowered to this
SESSION_RETRIES_MAX = 2  # times that a 422 makes us ask for a longer session

ROUTES_MAX = 16  # Record-Route entries of one dialog; a longer set is refused
# calls both ways: a further INVITE of ours ends at once with 503, theirs is answered 503
LEGS_MAX = 50_000
SERVER_TRANSACTIONS_MAX = 200_000  # a further request is answered 503 without keeping anything
FIELD_MAX = 1_024  # characters of one outgoing field
EXTRA_HEADERS_MAX = 16  # additional headers of an outgoing INVITE
SDP_MAX = 16_384  # bytes of a session description
PARTS_MAX = 8  # parts of one body that are looked at
SDP_LINES_MAX = 512
SDP_MEDIA_MAX = 16
SDP_FORMATS_MAX = 64  # payload types of one m= line
SDP_CRYPTO_MAX = 16  # a=crypto lines of one stream that are kept; more are not seen
CHALLENGE_MAX = 4_096  # bytes of one challenge header; a longer one is not answered
CHALLENGE_LINES_MAX = 16  # challenge headers of one response that are looked at
REALMS_MAX = 4  # realms answered in one dialog or registration
ASKS_MAX = 20_000  # requests outside of calls that wait for answers; a further one is told 503
ASK_BODY_MAX = 16_384  # bytes of such a request's body
WANTED_MAX = 64  # header values of its answer that are told
REFUSED_RETRY_S = 10  # Retry-After of our 503
REASONS_MAX = 8  # values of Reason in one message; more are not read
IDENTITIES_MAX = 16  # addresses of one identity header that are read
REFERS_MAX = 10_000  # REFERs of peers that are being served; a further one is answered 503
REFER_ANSWER = 8 * SECOND  # our user's time to answer one; then it is refused with 603
REFER_S_MAX = 360  # seconds that the state of a referred call is told; longer than RINGING_MAX
SIPFRAG_MAX = 4_096  # bytes of a message/sipfrag that are looked at

# registrations, ours (registrant) and the telephones' (registrar)
CONTACTS_MAX = 32  # addresses in the Contact headers of one message; more are an error
EXPIRES_S_MAX = 86_400  # of a registration; a longer one is taken for this
ACCOUNTS_MAX = 1_000  # accounts of ours; a further one is refused
REFRESH_S_MIN = 1  # a registration is refreshed no more often than this
REFRESH_EARLY_S = 70  # before its expiry at the latest, so that two targets can be silent
BACKOFF_S_MAX = 1_800  # RFC 5626 section 4.5: the longest wait after failures
DENIALS_MAX = 3  # wrong passwords in a row, then only after DENIED_REST_S
DENIED_REST_S = 3_600
BRIEF_MAX = 2  # 423 answers in a row that are obeyed
LEARNS_MAX = 2  # addresses learned in a row, of a NAT that gives another one each time

# telephones that register with us, and strangers who knock
NONCE_LIFE = 30 * SECOND  # an older nonce is stale
NONCES_MAX = 65_536  # nonces that served and still live; older ones are stale then
CHALLENGED_MAX = 4_096  # clients of whom we remember that they have been challenged
BINDINGS_MAX = 8  # addresses of one user unless it is said; a further one replaces the oldest
PHONES_MAX = 50_000  # addresses of all users; a further one is answered 503
PATH_MAX = 8  # Path values of one registration; more are refused
SOURCES_MAX = 65_536  # strangers remembered; the one that came first is forgotten
SOURCE_RATE = 10  # messages a second of one stranger on the telephones' side; more are dropped
SOURCE_BURST = 40
PHONE_RATE = 500  # the same of a host where telephones are registered
PHONE_BURST = 2_000
STRANGERS_RATE = 1_000  # of all strangers together
STRANGERS_BURST = 2_000
GUESSES_MAX = 5  # wrong or missing credentials of one host; then it is not answered
SILENCE = 60 * SECOND  # for this time, and twice as long each time again
SILENCE_MAX = 86_400 * SECOND
