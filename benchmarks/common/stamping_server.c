/* A loopback HTTP/1.1 server that streams OpenAI chat completions and knows to the microsecond when it did.
 *
 * The benchmarks take their truth from here: per request, the kernel's receive stamp of the request's last
 * byte, and this server's own stamp immediately before the write() of every event. Nothing else is served.
 *
 *   stamping_server --out RECORDS.jsonl [--port N]      prints "listening PORT"; ends on SIGTERM
 *
 * Path segments of the request set the parameters of the stream, so that any client can set them by base URL:
 *   /id=NAME/ttft_us=50000/gap_us=5000/jitter_us=1000/tokens=63/headers_us=0/v1/chat/completions
 *
 * One thread, one epoll, one write per event. A late event (a busy machine) is stamped late: truth stays true.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { MAX_STREAMS = 512, MAX_TOKENS = 1024, MAX_REQUEST = 65536, MAX_ID = 96, MAX_EVENT = 512 };
enum { WAKEUPS = 128, BACKLOG = 1024 };
static const int64_t US = 1000, SECOND = 1000000000;

/* A stream's steps, in order; CONTENT is repeated once per token. */
enum step { READING, HEADERS, ROLE, CONTENT, FINISH, USAGE, DONE, LAST_CHUNK };

struct stream {
    int fd; /* -1: the slot is free */
    enum step step;
    int64_t due_ns; /* monotonic; when `step` is to be written */
    char id[MAX_ID];
    int64_t ttft_ns, gap_ns, jitter_ns, headers_ns;
    int tokens, written; /* content events wanted, and written so far */
    bool kernel_stamp;
    int64_t received_real_ns, received_ns, offset_ns; /* offset: wall clock minus monotonic clock */
    int64_t headers_written_ns, done_written_ns, end_written_ns, first_write_took_ns;
    int64_t content_written_ns[MAX_TOKENS];
    size_t length;
    char request[MAX_REQUEST + 1];
};

static struct stream streams[MAX_STREAMS];
static volatile sig_atomic_t stopping;
static FILE *records;
static int poller;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static int64_t mono_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* Wall clock minus monotonic clock: of three bracketed readings the tightest, in case one was preempted. */
static int64_t clock_offset_ns(void)
{
    int64_t best = 0, width = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        int64_t before = mono_ns(), real = clock_ns(CLOCK_REALTIME), after = mono_ns();
        if (after - before < width) {
            width = after - before;
            best = real - (before + after) / 2;
        }
    }
    return best;
}

/* -jitter .. +jitter, uniform (xorshift). */
static int64_t jitter(int64_t span_ns)
{
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return span_ns ? (int64_t)(state % (uint64_t)(2 * span_ns + 1)) - span_ns : 0;
}

static void record(const struct stream *s, const char *outcome)
{
    fprintf(records,
            "{\"id\":\"%s\",\"outcome\":\"%s\",\"stamp\":\"%s\",\"request_received_ns\":%" PRId64
            ",\"request_received_real_ns\":%" PRId64 ",\"clock_offset_ns\":%" PRId64
            ",\"clock_offset_end_ns\":%" PRId64 ",\"headers_written_ns\":%" PRId64
            ",\"first_content_due_ns\":%" PRId64 ",\"first_content_written_ns\":%" PRId64 ",\"first_content_write_took_ns\":%" PRId64
            ",\"done_written_ns\":%" PRId64 ",\"end_written_ns\":%" PRId64 ",\"content_written_ns\":[",
            s->id, outcome, s->kernel_stamp ? "kernel" : "read", s->received_ns, s->received_real_ns,
            s->offset_ns, clock_offset_ns(), s->headers_written_ns,
            s->received_ns + s->ttft_ns, s->written ? s->content_written_ns[0] : 0, s->first_write_took_ns, s->done_written_ns,
            s->end_written_ns);
    for (int i = 0; i < s->written; i++)
        fprintf(records, "%s%" PRId64, i ? "," : "", s->content_written_ns[i]);
    fputs("]}\n", records);
    fflush(records);
}

/* Closes and frees the slot; a request that had been read whole leaves its record. */
static void end(struct stream *s, const char *outcome)
{
    close(s->fd);
    if (s->step != READING)
        record(s, outcome);
    s->fd = -1;
}

static void refuse(struct stream *s, const char *status)
{
    char answer[256];
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                          "Connection: close\r\n\r\n{}", status);
    (void)!write(s->fd, answer, (size_t)length);
    end(s, "refused");
}

static int64_t number_in(const char *path, const char *key, int64_t otherwise)
{
    const char *at = strstr(path, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : otherwise;
}

/* Reads the stream's parameters from the path of the request line; false if it is not a chat completion. */
static bool read_path(struct stream *s)
{
    char *end_of_line = strstr(s->request, "\r\n");
    *end_of_line = '\0'; /* the head is not needed as text any more */
    const char *path = s->request;
    if (strncmp(path, "POST ", 5) != 0 || !strstr(path, "/chat/completions "))
        return false;
    const char *id = strstr(path, "/id=");
    size_t length = id ? strcspn(id + 4, "/ \"\\") : 0;
    snprintf(s->id, sizeof s->id, "%.*s", (int)(length < MAX_ID ? length : MAX_ID - 1), id ? id + 4 : "");
    s->ttft_ns = number_in(path, "/ttft_us=", 50000) * US;
    s->gap_ns = number_in(path, "/gap_us=", 5000) * US;
    s->jitter_ns = number_in(path, "/jitter_us=", 0) * US;
    s->headers_ns = number_in(path, "/headers_us=", 0) * US;
    s->tokens = (int)number_in(path, "/tokens=", 63);
    return s->ttft_ns >= 0 && s->gap_ns >= 0 && s->jitter_ns >= 0 && s->headers_ns >= 0 && s->tokens > 0 &&
           s->tokens <= MAX_TOKENS;
}

/* The length of the whole request once its head is there; 0: not yet; -1: it names no length. */
static ssize_t request_length(const struct stream *s)
{
    const char *head_end = strstr(s->request, "\r\n\r\n");
    if (!head_end)
        return 0;
    for (const char *line = s->request; line < head_end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "content-length:", 15) == 0)
            return (head_end + 4 - s->request) + strtol(line + 15, NULL, 10);
    return -1;
}

/* One recvmsg into the request, keeping the stamp of its last segment; false: nothing (more) to read. */
static bool receive(struct stream *s)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec into = {s->request + s->length, MAX_REQUEST - s->length};
    struct msghdr message = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = recvmsg(s->fd, &message, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) { /* the client left, or sent more than any probe does */
        end(s, "disconnected");
        return false;
    }
    s->length += (size_t)n;
    s->request[s->length] = '\0';
    s->received_real_ns = clock_ns(CLOCK_REALTIME);
    s->kernel_stamp = false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        struct timespec stamp;
        memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        s->received_real_ns = stamp.tv_sec * SECOND + stamp.tv_nsec;
        s->kernel_stamp = true;
    }
    return true;
}

static void on_readable(struct stream *s)
{
    while (s->fd >= 0 && receive(s)) {
        ssize_t length = s->step == READING ? request_length(s) : 0;
        if (length < 0) {
            refuse(s, "411 Length Required");
        } else if (length > MAX_REQUEST) {
            refuse(s, "413 Content Too Large");
        } else if (length > 0 && s->length >= (size_t)length) {
            if (!read_path(s)) {
                refuse(s, "404 Not Found");
                return;
            }
            s->offset_ns = clock_offset_ns();
            s->received_ns = s->received_real_ns - s->offset_ns;
            s->step = HEADERS;
            s->due_ns = s->received_ns + s->headers_ns;
        }
    }
}

/* The bytes of the stream's present step: one chunk holding one event. Returns their length. */
static int step_bytes(const struct stream *s, char *out)
{
    static const char headers[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                                  "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    static const char event[] = "data: {\"id\":\"chatcmpl-stamped\",\"object\":\"chat.completion.chunk\","
                                "\"created\":1700000000,\"model\":\"stamped\",\"choices\":[%s]%s}\n\n";
    char choice[128] = "", usage[128] = "", data[MAX_EVENT - 16] = "data: [DONE]\n\n";
    switch (s->step) {
    case HEADERS:
        return snprintf(out, MAX_EVENT, headers);
    case LAST_CHUNK:
        return snprintf(out, MAX_EVENT, "0\r\n\r\n");
    case ROLE:
        strcpy(choice, "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}");
        break;
    case CONTENT:
        snprintf(choice, sizeof choice, "{\"index\":0,\"delta\":{\"content\":\"%s%d\"},\"finish_reason\":null}",
                 s->written ? " " : "", s->written + 1);
        break;
    case FINISH:
        strcpy(choice, "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}");
        break;
    case USAGE:
        snprintf(usage, sizeof usage, ",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":%d,\"total_tokens\":%d}",
                 s->tokens, s->tokens + 1);
        break;
    default:
        break;
    }
    if (s->step != DONE)
        snprintf(data, sizeof data, event, choice, usage);
    return snprintf(out, MAX_EVENT, "%zx\r\n%s\r\n", strlen(data), data);
}

/* What follows the step just written, and when. Content is due on an absolute grid, so that nothing drifts. */
static void advance(struct stream *s)
{
    int64_t grid_ns = s->received_ns + s->ttft_ns;
    if (s->step != CONTENT || s->written == s->tokens)
        s->step++;
    if (s->step == CONTENT)
        s->due_ns = grid_ns + s->written * s->gap_ns + (s->written ? jitter(s->jitter_ns) : 0);
    else if (s->step == FINISH)
        s->due_ns = grid_ns + s->tokens * s->gap_ns;
}

static void keep_stamp(struct stream *s, int64_t before_ns, int64_t after_ns)
{
    if (s->step == HEADERS)
        s->headers_written_ns = before_ns;
    else if (s->step == DONE)
        s->done_written_ns = before_ns;
    else if (s->step == LAST_CHUNK)
        s->end_written_ns = before_ns;
    else if (s->step == CONTENT) {
        if (s->written == 0)
            s->first_write_took_ns = after_ns - before_ns; /* bounds what the stamp can be wrong by */
        s->content_written_ns[s->written++] = before_ns;
    }
}

static void write_step(struct stream *s)
{
    char bytes[MAX_EVENT];
    int length = step_bytes(s, bytes);
    int64_t before_ns = mono_ns();
    ssize_t n = write(s->fd, bytes, (size_t)length);
    int64_t after_ns = mono_ns();
    if (n != length) { /* gone, or reads nothing: its buffer of megabytes is full */
        end(s, n < 0 && errno != EAGAIN ? "disconnected" : "stalled");
        return;
    }
    keep_stamp(s, before_ns, after_ns);
    if (s->step == LAST_CHUNK)
        end(s, "done");
    else
        advance(s);
}

static void accept_streams(int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int on = 1, slot = 0;
        while (slot < MAX_STREAMS && streams[slot].fd >= 0)
            slot++;
        if (slot == MAX_STREAMS) {
            close(fd);
            continue;
        }
        struct stream *s = &streams[slot];
        memset(s, 0, offsetof(struct stream, content_written_ns));
        s->fd = fd;
        s->length = 0;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        struct epoll_event wanted = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = s};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
    }
}

static int listen_on(uint16_t port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* On the listener too: accepted sockets inherit it, so that bytes which beat accept() are stamped. */
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        perror("stamping_server: listen");
        exit(1);
    }
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

/* Writes what is due, once per stream so that a late one delays the others little; returns the time to sleep. */
static int64_t write_due(void)
{
    int64_t next_ns = mono_ns() + SECOND;
    for (struct stream *s = streams; s < streams + MAX_STREAMS; s++) {
        if (s->fd < 0 || s->step == READING)
            continue;
        if (s->due_ns <= mono_ns())
            write_step(s);
        if (s->fd >= 0 && s->due_ns < next_ns)
            next_ns = s->due_ns;
    }
    int64_t sleep_ns = next_ns - mono_ns();
    return sleep_ns > 0 ? sleep_ns : 0;
}

static void serve(int listener, const sigset_t *while_waiting)
{
    struct epoll_event ready[WAKEUPS];
    while (!stopping) {
        int64_t sleep_ns = write_due();
        struct timespec timeout = {sleep_ns / SECOND, sleep_ns % SECOND};
        int n = epoll_pwait2(poller, ready, WAKEUPS, &timeout, while_waiting);
        for (int i = 0; i < n; i++) {
            struct stream *s = ready[i].data.ptr;
            if (!s)
                accept_streams(listener);
            else if (s->fd >= 0)
                on_readable(s);
        }
    }
}

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

/* Signals arrive only inside epoll_pwait2, so that none is lost between the check and the wait. */
static sigset_t arm_signals(void)
{
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours, &before);
    sigdelset(&before, SIGTERM);
    sigdelset(&before, SIGINT);
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
    return before;
}

int main(int argc, char **argv)
{
    const char *out = NULL;
    uint16_t port = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--out") == 0)
            out = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0)
            port = (uint16_t)atoi(argv[i + 1]);
    }
    if (!out || !(records = fopen(out, "ae"))) {
        fprintf(stderr, "usage: stamping_server --out RECORDS.jsonl [--port N]\n");
        return 2;
    }
    setvbuf(records, NULL, _IOFBF, 1 << 16);  /* one write per record */
    prctl(PR_SET_PDEATHSIG, SIGTERM);         /* never outlive the benchmark */
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);   /* the default of 50 us would bunch events */
    for (int i = 0; i < MAX_STREAMS; i++)
        streams[i].fd = -1;
    sigset_t while_waiting = arm_signals();
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(port);
    serve(listener, &while_waiting);
    fclose(records);
    return 0;
}
