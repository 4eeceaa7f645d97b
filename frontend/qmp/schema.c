/* What clients find out about the protocol itself: the commands, their arguments and the events,
 * all out of the tables. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include <string.h>

json_t *qmp_QUERY_COMMANDS(struct qmp_session *s, json_t *args)
{
    json_t *list = json_array();

    for (const struct qmp_row *r = qmp_rows; r->name; r++)
        json_array_append_new(list, json_pack("{s:s}", "name", r->name));
    return list;
}

/* ---- query-qmp-schema ---- */

static const struct {
    const char *letter, *name, *json_type;
} builtins[] = {
    {"s", "str", "string"}, {"i", "int", "int"}, {"b", "bool", "boolean"}, {"v", "any", "value"}};

/* The words of an enumeration, added once under their own list as the name. */
static void add_enum(json_t *list, const char *words)
{
    json_t *type, *values = json_array();
    size_t i;

    json_array_foreach(list, i, type)
    {
        if (!strcmp(json_string_value(json_object_get(type, "name")), words)) {
            json_decref(values);
            return;
        }
    }
    for (const char *p = words; *p; p += *p == '|') {
        size_t n = strcspn(p, "|");

        json_array_append_new(values, json_stringn(p, n));
        p += n;
    }
    json_array_append_new(
        list, json_pack("{s:s,s:s,s:o}", "name", words, "meta-type", "enum", "values", values));
}

static const char *type_of(json_t *list, const char *type)
{
    if (type[0] && type[1]) {
        add_enum(list, type);
        return type;
    }
    for (unsigned i = 0; i < ARRAY_LEN(builtins); i++) {
        if (type[0] == builtins[i].letter[0])
            return builtins[i].name;
    }
    return type[0] == 'a' ? "[any]" : "any-object";
}

/* The object type of a row's arguments. */
static void add_args(json_t *list, const char *name, const char *args)
{
    json_t *members = json_array(), *m;
    struct qmp_arg a;

    while (qmp_arg(&args, &a)) {
        m = json_pack("{s:s,s:s}", "name", a.name, "type", type_of(list, a.type));
        if (a.optional)
            json_object_set_new(m, "default", json_null());
        json_array_append_new(members, m);
    }
    json_array_append_new(
        list, json_pack("{s:s,s:s,s:o}", "name", name, "meta-type", "object", "members", members));
}

json_t *qmp_schema(void)
{
    json_t *list = json_array();
    char name[64];

    for (unsigned i = 0; i < ARRAY_LEN(builtins); i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s}", "name", builtins[i].name, "meta-type",
                                        "builtin", "json-type", builtins[i].json_type));
    json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", "[any]", "meta-type", "array",
                                          "element-type", "any"));
    json_array_append_new(
        list, json_pack("{s:s,s:s,s:[]}", "name", "any-object", "meta-type", "object", "members"));
    for (const struct qmp_row *r = qmp_rows; r->name; r++) {
        snprintf(name, sizeof(name), "%s-arg", r->name);
        add_args(list, name, r->args);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "name", r->name, "meta-type",
                                              "command", "arg-type", name, "ret-type", "any"));
    }
    for (unsigned i = 0; i < VM_EVENT__COUNT; i++) {
        snprintf(name, sizeof(name), "%s-arg", event_rows[i].name);
        add_args(list, name, event_rows[i].fields);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", event_rows[i].name,
                                              "meta-type", "event", "arg-type", name));
    }
    return list;
}

json_t *qmp_QUERY_QMP_SCHEMA(struct qmp_session *s, json_t *args)
{
    return qmp_schema();
}

/* ---- query-command-line-options ---- */

/* The keys in the description of an option's argument: words before "=", after a bracket or comma.
 */
static json_t *parameters(const char *arg)
{
    json_t *list = json_array();
    const char *start = arg;

    for (const char *p = arg; p && *p; p++) {
        if (*p == '[' || *p == ',' || *p == '|')
            start = p + 1;
        if (*p == '=' && p > start)
            json_array_append_new(list, json_pack("{s:s%,s:s}", "name", start, (size_t)(p - start),
                                                  "type", "string"));
    }
    return list;
}

json_t *qmp_QUERY_COMMAND_LINE_OPTIONS(struct qmp_session *s, json_t *args)
{
    const char *only = qmp_string(args, "option");
    json_t *list = json_array();

    for (unsigned i = 0; i < OPT__COUNT; i++) {
        if (opt_rows[i].section == SEC_HIDDEN || (only && strcmp(only, opt_rows[i].flag)))
            continue;
        json_array_append_new(list, json_pack("{s:s,s:o}", "option", opt_rows[i].flag, "parameters",
                                              parameters(opt_rows[i].arg)));
    }
    if (!only || json_array_size(list))
        return list;
    json_decref(list);
    return qmp_fail(s, "There is no option '%.80s'.", only);
}
#endif
