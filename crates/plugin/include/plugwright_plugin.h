/* The binary interface between Plugwright hosts and plugins, for plugins written in C.
 *
 * The layouts are those of crates/plugin/src/abi.rs, and docs/abi.md says what they mean: who owns what, who frees it, and
 * how an interface's methods become functions. A test compiles this file and compares every size and offset with Rust's.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef PLUGWRIGHT_PLUGIN_H
#define PLUGWRIGHT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of the layouts in this file: the `abi` of the tables, and of the manifest. */
#define PW_ABI 1u

/* Borrowed elements (bytes, for text). `pointer` is never null, even when `length` is 0. */
typedef struct pw_slice {
    const uint8_t *pointer;
    size_t length;
} pw_slice;

/* Elements that are lent for writing. */
typedef struct pw_slice_mut {
    uint8_t *pointer;
    size_t length;
} pw_slice_mut;

/* Owned elements. The receiver takes what they own over, copies them, and calls `release`. */
typedef struct pw_vec {
    uint8_t *pointer;
    size_t length;
    size_t capacity;
    void (*release)(uint8_t *pointer, size_t length, size_t capacity);
} pw_vec;

/* A value of an enum that grows. `variant` is the fingerprint of the variant, which `plugwright interface c` writes beside the
 * methods; 0 stands for one that the sender does not know. `fields` points to a struct of the variant's fields, `size` bytes
 * long, and is null when there are none. Unless it is null, the receiver calls `release` once: with 1 in `taken` after it
 * took the fields over, with 0 when it does not know the variant, so that what they own is released too. */
typedef struct pw_open {
    uint64_t variant;
    uint8_t *fields;
    size_t size;
    void (*release)(uint8_t *fields, uint8_t taken);
} pw_open;

/* A 128-bit integer. */
typedef struct pw_wide {
    uint64_t low;
    uint64_t high;
} pw_wide;

/* A duration; `nanoseconds` is less than 1,000,000,000. */
typedef struct pw_duration {
    uint64_t seconds;
    uint32_t nanoseconds;
} pw_duration;

/* A reference to something that must stay loaded. */
typedef struct pw_keep {
    const void *context;
    void (*retain)(const void *context);
    void (*release)(const void *context);
} pw_keep;

/* Owned bytes that stay where they are. */
typedef struct pw_buffer {
    pw_vec bytes;
    pw_keep keep;
} pw_buffer;

/* Why a call gave no value. Made by the side that failed, released by the other one. */
typedef struct pw_failure pw_failure;
struct pw_failure {
    void (*release)(pw_failure *failure);
    uint32_t kind;
    uint32_t line;
    uint32_t column;
    pw_slice message;
    pw_slice file;
    pw_slice plugin;
};

/* The kinds of failures. */
enum {
    PW_FAILURE_UNKNOWN = 0,
    PW_FAILURE_PANICKED = 1,
    PW_FAILURE_POISONED = 2,
    PW_FAILURE_STOPPED = 3,
    PW_FAILURE_RESTARTED = 4,
    PW_FAILURE_CRASHED = 5,
    PW_FAILURE_TIMED_OUT = 6,
    PW_FAILURE_UNSUPPORTED = 7,
    PW_FAILURE_REENTRANT = 8,
    PW_FAILURE_INVALID = 9,
    PW_FAILURE_CANCELLED = 10,
    PW_FAILURE_CONFIGURATION = 11,
    PW_FAILURE_FAILED = 12,
    PW_FAILURE_COMPLETED = 13
};

/* What every function returns: `value` counts when `failure` is null. */
#define PW_REPLY(type)       \
    struct {                 \
        pw_failure *failure; \
        type value;          \
    }

/* An option: `value` counts when `some` is 1; `some` is 0 or 1. */
#define PW_OPTION(type) \
    struct {            \
        uint8_t some;   \
        type value;     \
    }

/* A result: `value.ok` counts when `ok` is 1, `value.err` when it is 0. */
#define PW_RESULT(ok_type, err_type) \
    struct {                         \
        uint8_t ok;                  \
        union {                      \
            ok_type ok;              \
            err_type err;            \
        } value;                     \
    }

/* What an interface is. */
typedef struct pw_interface_table {
    pw_slice id;
    uint16_t major;
    uint16_t minor;
    uint16_t bounds; /* of implementors: 1 for Send, and 2 for Sync */
    uint16_t methods;
    const uint64_t *fingerprints;
} pw_interface_table;

typedef PW_REPLY(uint8_t) pw_reply_unit;

/* What is told when a future is worth polling again: see docs/abi.md. All functions may be called on any thread, none is
 * null, and they take `data` and `table`. */
typedef struct pw_waker pw_waker;
typedef struct pw_waker_functions {
    size_t size;
    pw_reply_unit (*clone)(const void *data, const void *table, pw_waker *output);
    void (*wake)(const void *data, const void *table); /* takes the waker over */
    void (*wake_by_ref)(const void *data, const void *table);
    void (*release)(const void *data, const void *table);
} pw_waker_functions;
struct pw_waker {
    const void *data;
    const void *table;
    const pw_waker_functions *functions;
    pw_keep keep;
};

/* The functions of a future. `poll` gives 1 when it wrote the value, 0 when `waker` will be woken. */
typedef struct pw_future_functions {
    size_t size;
    pw_reply_unit (*poll)(void *state, const pw_waker *waker, void *output);
    pw_reply_unit (*release)(void *state);
} pw_future_functions;

/* A future that crosses as a value, owned by the receiver. */
typedef struct pw_future {
    void *state;
    const pw_future_functions *functions;
    pw_keep keep;
} pw_future;

typedef struct pw_interface pw_interface;
typedef struct pw_invoke_context pw_invoke_context;

/* Calls a method by its number: see docs/abi.md. `output` is always written; 0, or the kind of the failure in it. */
typedef uint32_t (*pw_invoke)(const void *object, const pw_invoke_context *context, uint32_t method, pw_slice input,
                              pw_vec *output);

/* The front of every vtable; the methods follow, in the order of the interface. */
typedef struct pw_vtable_head {
    size_t size;
    const pw_interface_table *interface;
    const uint8_t *image;
    void (*retain)(const void *object);
    pw_reply_unit (*release)(const void *object);
    pw_invoke invoke; /* may be null */
} pw_vtable_head;

/* An object with its vtable. */
typedef struct pw_object {
    const void *object;
    const pw_vtable_head *vtable;
} pw_object;

/* An object that crosses as a value, owned by the receiver. */
struct pw_interface {
    pw_object object;
    pw_keep keep;
};

/* A connection to a side that shares no memory. The functions take the context of `keep`, on any thread. */
typedef struct pw_link {
    size_t size;
    pw_keep keep;
    uint32_t (*call)(const void *context, uint64_t object, uint32_t method, pw_slice input, uint64_t time_left,
                     pw_vec *output);
    uint64_t (*export_object)(const void *context, pw_interface object);
    uint8_t (*import_object)(const void *context, uint64_t number, pw_interface *object);
    void (*retain)(const void *context, uint64_t object);
    void (*release)(const void *context, uint64_t object);
    uint8_t (*is_open)(const void *context);
} pw_link;

/* What a call by number is made in. `link` is null when only values can cross; `time_left` is in nanoseconds, all bits
 * set for ever. */
struct pw_invoke_context {
    size_t size;
    const pw_link *link;
    uint64_t time_left;
    const void *context;
    uint8_t (*cancelled)(const void *context);
};

typedef PW_REPLY(pw_object) pw_reply_object;

/* The levels of events. */
enum {
    PW_LEVEL_ERROR = 0,
    PW_LEVEL_WARN = 1,
    PW_LEVEL_INFO = 2,
    PW_LEVEL_DEBUG = 3,
    PW_LEVEL_TRACE = 4
};

/* An enum without fields. */
typedef struct pw_level {
    uint32_t tag;
    uint8_t none;
} pw_level;

/* An event for the host's log. */
typedef struct pw_event {
    pw_level level;
    pw_slice target;
    pw_slice message;
    pw_slice fields;
    pw_slice file;
    uint32_t line;
} pw_event;

/* The application that a plugin runs in. */
typedef struct pw_application {
    pw_vec name;
    pw_vec version;
} pw_application;

typedef PW_REPLY(uint8_t) pw_reply_bool;
typedef PW_REPLY(pw_application) pw_reply_application;

/* A failure of a call inside an error. */
typedef struct pw_call_error {
    uint32_t kind;
    pw_vec plugin;
    pw_vec method;
    pw_vec message;
    pw_vec location;
} pw_call_error;

/* Why a host gives no folder: `failed` counts when `tag` is PW_CONTEXT_FAILED, `call` when it is PW_CONTEXT_CALL. */
enum { PW_CONTEXT_NOT_OFFERED = 0, PW_CONTEXT_CLOSED = 1, PW_CONTEXT_FAILED = 2, PW_CONTEXT_CALL = 3 };
typedef struct pw_context_error {
    uint32_t tag;
    union {
        uint8_t none;
        pw_vec failed;
        pw_call_error call;
    } fields;
} pw_context_error;

/* A path, or why there is none. */
typedef PW_RESULT(pw_vec, pw_context_error) pw_result_path;
typedef PW_REPLY(pw_result_path) pw_reply_path;

/* What the host does for a plugin: the interface org.plugwright.host 1.0. */
typedef struct pw_host_vtable {
    pw_vtable_head head;
    pw_reply_application (*application)(const void *object);
    pw_reply_bool (*logs)(const void *object, pw_level level);
    pw_reply_unit (*log)(const void *object, pw_event event);
    pw_reply_path (*data_folder)(const void *object);
} pw_host_vtable;

/* An interface that a plugin provides, with its functions for the plugin's instances. */
typedef struct pw_provided_table {
    const pw_interface_table *interface;
    const pw_vtable_head *vtable;
} pw_provided_table;

/* What an instance is made with. Everything in it is lent during the call: whoever wants `host` longer takes a reference
 * with `host.object.vtable->retain` and one with `host.keep.retain`. */
typedef struct pw_create_arguments {
    size_t size;
    pw_slice configuration; /* JSON; empty when the host has none for the plugin */
    pw_interface host;      /* an object of the interface org.plugwright.host */
} pw_create_arguments;

/* What a plugin's entry function returns. */
typedef struct pw_plugin_table {
    size_t size;
    uint32_t abi;
    uint32_t provided;
    const pw_provided_table *provides;
    pw_slice id;
    pw_slice version;
    /* Makes an instance, with the vtable of the first interface that is provided. */
    pw_reply_object (*create)(const pw_create_arguments *arguments);
    /* Called once, before any method. */
    pw_reply_unit (*start)(const void *instance);
    /* Called at most once; methods fail with PW_FAILURE_STOPPED from then on. */
    pw_reply_unit (*stop)(const void *instance);
} pw_plugin_table;

/* What a host hands to a plugin's entry function. */
typedef struct pw_host_table {
    size_t size;
    uint32_t abi;
    const uint8_t *image;
    pw_keep keep;
} pw_host_table;

/* What stands in front of the entry function: hosts find it by the very name that the record has, whatever else the library
 * hides. */
#ifdef __cplusplus
#define PW_EXTERN extern "C"
#else
#define PW_EXTERN
#endif
#if defined(_WIN32)
#define PW_EXPORT PW_EXTERN __declspec(dllexport)
#elif defined(__GNUC__)
#define PW_EXPORT PW_EXTERN __attribute__((visibility("default")))
#else
#define PW_EXPORT PW_EXTERN
#endif

/* The symbol that a record in the manifest names. */
typedef const pw_plugin_table *(*pw_entry)(const pw_host_table *host);

#ifdef __cplusplus
}
#endif

#endif
