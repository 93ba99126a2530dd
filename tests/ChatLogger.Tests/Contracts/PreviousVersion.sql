-- What pg_dump --inserts wrote of a database of version 0.1.0, which PreviousVersionTests restores. Two things were changed by hand: the export
-- expires in a hundred years, and a carriage return is written as chr(13), for git would take it out. It is never made anew with the schema.
-- Its keys and passwords open nothing but the service that the tests start.

--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: btree_gin; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;


--
-- Name: EXTENSION btree_gin; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION btree_gin IS 'support for indexing common datatypes in GIN';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: api_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    org_id uuid NOT NULL,
    public_id text NOT NULL,
    sha256 bytea NOT NULL,
    last_four text NOT NULL,
    label text NOT NULL,
    scopes text[] NOT NULL,
    allowed_origins text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    replaced_at timestamp with time zone,
    CONSTRAINT api_keys_label_check CHECK (((char_length(label) >= 1) AND (char_length(label) <= 100))),
    CONSTRAINT api_keys_scopes_check CHECK (((scopes <@ ARRAY['ingest'::text, 'import'::text]) AND ((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 2)))),
    CONSTRAINT api_keys_sha256_check CHECK ((octet_length(sha256) = 32))
);


--
-- Name: arrivals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.arrivals (
    only_row boolean DEFAULT true NOT NULL,
    settled_seq bigint NOT NULL,
    pending_seq bigint,
    pending_xid xid8,
    CONSTRAINT arrivals_only_row_check CHECK (only_row),
    CONSTRAINT arrivals_pending_check CHECK (((pending_seq IS NULL) = (pending_xid IS NULL)))
);


--
-- Name: audit_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_events (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_type text NOT NULL,
    actor_id text,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id text,
    trace_id text NOT NULL,
    CONSTRAINT audit_events_action_check CHECK (((char_length(action) >= 1) AND (char_length(action) <= 50))),
    CONSTRAINT audit_events_actor_check CHECK ((((char_length(actor_type) >= 1) AND (char_length(actor_type) <= 20)) AND (char_length(actor_id) <= 100))),
    CONSTRAINT audit_events_target_check CHECK ((((char_length(target_type) >= 1) AND (char_length(target_type) <= 20)) AND (char_length(target_id) <= 200))),
    CONSTRAINT audit_events_trace_id_check CHECK ((char_length(trace_id) <= 64))
);


--
-- Name: messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.messages (
    org_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    metadata json DEFAULT '{}'::json NOT NULL,
    latency_ms integer,
    token_count integer,
    prompt_tokens integer,
    completion_tokens integer,
    model text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT messages_content_check CHECK (((octet_length(content) >= 1) AND (octet_length(content) <= 4194304))),
    CONSTRAINT messages_model_check CHECK (((char_length(model) >= 1) AND (char_length(model) <= 256))),
    CONSTRAINT messages_numbers_check CHECK (((latency_ms >= 0) AND (token_count >= 0) AND (prompt_tokens >= 0) AND (completion_tokens >= 0))),
    CONSTRAINT messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text, 'system'::text, 'developer'::text, 'tool'::text, 'function'::text])))
);


--
-- Name: messages_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.messages ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.messages_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: chats; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.chats (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    title text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    metadata json DEFAULT '{}'::json NOT NULL,
    user_id uuid,
    external_user_id text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    seq bigint DEFAULT nextval('public.messages_seq_seq'::regclass) NOT NULL,
    CONSTRAINT chats_external_user_id_check CHECK (((char_length(external_user_id) >= 1) AND (char_length(external_user_id) <= 256))),
    CONSTRAINT chats_tags_check CHECK ((cardinality(tags) <= 100)),
    CONSTRAINT chats_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200)))
);


--
-- Name: export_chats; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.export_chats (
    org_id uuid NOT NULL,
    export_id uuid NOT NULL,
    fence bigint NOT NULL,
    index integer NOT NULL,
    first_id uuid NOT NULL,
    last_id uuid NOT NULL,
    chat_ids uuid[] NOT NULL
);


--
-- Name: export_chunks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.export_chunks (
    org_id uuid NOT NULL,
    export_id uuid NOT NULL,
    fence bigint NOT NULL,
    index integer NOT NULL,
    start bigint NOT NULL,
    length integer NOT NULL,
    crc32 bigint NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT export_chunks_length_check CHECK ((length > 0))
);
ALTER TABLE ONLY public.export_chunks ALTER COLUMN data SET STORAGE EXTERNAL;


--
-- Name: exports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.exports (
    id uuid NOT NULL,
    org_id uuid NOT NULL,
    requested_by uuid NOT NULL,
    state text NOT NULL,
    format text NOT NULL,
    layout text,
    time_zone text NOT NULL,
    from_at timestamp with time zone,
    to_at timestamp with time zone,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    user_id uuid,
    external_user_id text,
    rows bigint DEFAULT 0 NOT NULL,
    total_rows bigint,
    bytes bigint,
    sha256 bytea,
    reason text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone,
    fence bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    slot integer,
    started_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    leftovers boolean DEFAULT false NOT NULL,
    q text,
    bom boolean DEFAULT false NOT NULL,
    local_times boolean DEFAULT false NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    outdated boolean DEFAULT false NOT NULL,
    removed_chats uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    CONSTRAINT exports_done_check CHECK (((state <> 'done'::text) OR ((bytes IS NOT NULL) AND (sha256 IS NOT NULL) AND (expires_at IS NOT NULL)))),
    CONSTRAINT exports_finished_check CHECK (((state = ANY (ARRAY['queued'::text, 'running'::text])) = (finished_at IS NULL))),
    CONSTRAINT exports_q_check CHECK ((char_length(q) <= 256)),
    CONSTRAINT exports_running_check CHECK (
CASE state
    WHEN 'running'::text THEN ((lease_until IS NOT NULL) AND (slot IS NOT NULL) AND (started_at IS NOT NULL))
    ELSE ((lease_until IS NULL) AND (slot IS NULL))
END),
    CONSTRAINT exports_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT exports_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text, 'expired'::text])))
);


--
-- Name: feedback; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.feedback (
    org_id uuid NOT NULL,
    target_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    rating text NOT NULL,
    comment text,
    at timestamp with time zone NOT NULL,
    seq bigint DEFAULT nextval('public.messages_seq_seq'::regclass) NOT NULL,
    CONSTRAINT feedback_comment_check CHECK (((char_length(comment) >= 1) AND (char_length(comment) <= 2000))),
    CONSTRAINT feedback_rating_check CHECK ((rating = ANY (ARRAY['up'::text, 'down'::text])))
);


--
-- Name: feedback_replaced; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.feedback_replaced (
    org_id uuid NOT NULL,
    until_seq bigint DEFAULT nextval('public.messages_seq_seq'::regclass) NOT NULL,
    seq bigint NOT NULL,
    chat_id uuid NOT NULL,
    rating text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT feedback_replaced_rating_check CHECK ((rating = ANY (ARRAY['up'::text, 'down'::text])))
);


--
-- Name: followers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.followers (
    org_id uuid NOT NULL,
    follower text NOT NULL,
    seq bigint DEFAULT '-1'::integer NOT NULL,
    CONSTRAINT followers_follower_check CHECK (((char_length(follower) >= 1) AND (char_length(follower) <= 20)))
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    org_id uuid NOT NULL,
    route text NOT NULL,
    parent_id uuid NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    body_sha256 bytea NOT NULL,
    target_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_body_sha256_check CHECK ((octet_length(body_sha256) = 32)),
    CONSTRAINT idempotency_keys_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
    CONSTRAINT idempotency_keys_route_check CHECK (((char_length(route) >= 1) AND (char_length(route) <= 20)))
);


--
-- Name: organizations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.organizations (
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    purged_at timestamp with time zone,
    CONSTRAINT organizations_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT organizations_purged_check CHECK (((purged_at IS NULL) OR (deleted_at IS NOT NULL))),
    CONSTRAINT organizations_slug_check CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$'::text)),
    CONSTRAINT organizations_time_zone_check CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);


--
-- Name: password_failures; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.password_failures (
    subject bytea NOT NULL,
    failures integer NOT NULL,
    window_ends_at timestamp with time zone NOT NULL,
    CONSTRAINT password_failures_failures_check CHECK ((failures >= 0)),
    CONSTRAINT password_failures_subject_check CHECK ((octet_length(subject) = 32))
);


--
-- Name: rollup_names; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.rollup_names (
    org_id uuid NOT NULL,
    no integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: rollups; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.rollups (
    org_id uuid NOT NULL,
    tier smallint NOT NULL,
    start timestamp with time zone NOT NULL,
    counts bytea NOT NULL,
    people bytea NOT NULL,
    tags bytea NOT NULL,
    CONSTRAINT rollups_tier_check CHECK ((tier = ANY (ARRAY[0, 1, 2])))
);
ALTER TABLE ONLY public.rollups ALTER COLUMN counts SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.rollups ALTER COLUMN people SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.rollups ALTER COLUMN tags SET STORAGE EXTERNAL;


--
-- Name: schemaversions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schemaversions (
    schemaversionsid integer NOT NULL,
    scriptname character varying(255) NOT NULL,
    applied timestamp without time zone NOT NULL,
    checksum character varying(64),
    compatible boolean
);


--
-- Name: schemaversions_schemaversionsid_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.schemaversions_schemaversionsid_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: schemaversions_schemaversionsid_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.schemaversions_schemaversionsid_seq OWNED BY public.schemaversions.schemaversionsid;


--
-- Name: search_chunks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.search_chunks (
    org_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    tokens integer[] NOT NULL,
    CONSTRAINT search_chunks_seq_check CHECK ((first_seq <= last_seq))
);
ALTER TABLE ONLY public.search_chunks ALTER COLUMN tokens SET STORAGE EXTERNAL;


--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT sessions_expiry_check CHECK ((expires_at > created_at))
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id uuid NOT NULL,
    org_id uuid,
    email text,
    name text,
    role text NOT NULL,
    password_hash text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    removed_at timestamp with time zone,
    CONSTRAINT users_email_check CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT users_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT users_removed_check CHECK ((((removed_at IS NULL) = (email IS NOT NULL)) AND ((removed_at IS NULL) = (password_hash IS NOT NULL)))),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['superadmin'::text, 'admin'::text, 'user'::text, 'viewer'::text]))),
    CONSTRAINT users_superadmin_check CHECK (((role = 'superadmin'::text) = (org_id IS NULL)))
);


--
-- Name: schemaversions schemaversionsid; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schemaversions ALTER COLUMN schemaversionsid SET DEFAULT nextval('public.schemaversions_schemaversionsid_seq'::regclass);


--
-- Data for Name: api_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.api_keys VALUES
	('01a22457-96fb-7635-9c4a-225a1aea3db5', '01a22457-910b-71c3-984b-986ad29979f0', 'liobwgOvtStw1osm', '\x9903c9acb9e15fb22e3215ecbc822e890873d16a1c82ef8ca93153ea9d4ec5f9', 'MSiE', 'old', '{ingest}', '{}', '2026-11-28 22:47:29.787+00', '2026-11-28 22:47:29.822+00', NULL, NULL, '2026-11-28 22:47:29.822+00'),
	('01a22457-971e-74bc-8d52-daa39cb620a6', '01a22457-910b-71c3-984b-986ad29979f0', '1PayOc37Uo6DD3aS', '\x7e735f03a9762abe336156957cfe79c49554e7a1b4584823f611ef7cbe77885f', '4aJT', 'old', '{ingest}', '{}', '2026-11-28 22:47:29.822+00', NULL, NULL, NULL, NULL),
	('01a22457-96b5-7e86-9383-8dcdc56f661b', '01a22457-910b-71c3-984b-986ad29979f0', 'MFjzgj7sSji6U5YB', '\x419f143ab5f39b49d02f42c001c1d2c282cc2123fa3979e84f26e529fcb2aa81', 'YI9U', 'test', '{ingest,import}', '{}', '2026-11-28 22:47:29.717+00', NULL, NULL, '2026-11-28 22:47:30.052327+00', NULL),
	('01a22457-96c1-7f8e-abb9-aaf8fc8034ee', '01a22457-9118-7420-9f2c-d680b4b7d808', 'WJcCSbw7GND603za', '\x2fe4fed84df22a0506f2a3403caf17a143f356ea8ee5bf4594a3dcde2853a99d', 'k1hS', 'test', '{ingest}', '{}', '2026-11-28 22:47:29.729+00', NULL, NULL, '2026-11-28 22:47:30.431342+00', NULL);


--
-- Data for Name: arrivals; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.arrivals VALUES
	(true, 14, NULL, NULL);


--
-- Data for Name: audit_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_events VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-9111-7f46-b228-d958b1c43c02', '2026-11-28 22:47:28.273+00', 'operator', 'test', 'organization.created', 'organization', '01a22457-910b-71c3-984b-986ad29979f0', ''),
	('01a22457-9118-7420-9f2c-d680b4b7d808', '01a22457-911c-7d2f-91b4-14c3b1879f19', '2026-11-28 22:47:28.284+00', 'operator', 'test', 'organization.created', 'organization', '01a22457-9118-7420-9f2c-d680b4b7d808', ''),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-9208-751b-9000-5ea1c259cfa6', '2026-11-28 22:47:28.52+00', 'operator', 'test', 'member.created', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', ''),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-92fa-73d9-bf7c-500ee9079a9e', '2026-11-28 22:47:28.762+00', 'operator', 'test', 'member.created', 'member', '01a22457-92f8-7fd2-9788-d5f2fcca6eb6', ''),
	('01a22457-9118-7420-9f2c-d680b4b7d808', '01a22457-943a-72cd-9708-11ce5cceaaff', '2026-11-28 22:47:29.082+00', 'operator', 'test', 'member.created', 'member', '01a22457-9437-7724-9a29-f8601988cacb', ''),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-95a7-7b77-adc5-ad9745743503', '2026-11-28 22:47:29.447+00', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'login.success', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'c3db5bbb35c7934a1ced55c7f6494349'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-96ab-76a5-a9ff-28674bac349c', '2026-11-28 22:47:29.707+00', 'anonymous', NULL, 'login.refusal', 'member', '01a22457-92f8-7fd2-9788-d5f2fcca6eb6', 'a6c1b1840a6fc831ed0f992bea50ee16'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-96bf-7f13-913c-463049ae22f0', '2026-11-28 22:47:29.727+00', 'operator', 'test', 'key.created', 'key', 'MFjzgj7sSji6U5YB', ''),
	('01a22457-9118-7420-9f2c-d680b4b7d808', '01a22457-96c9-74df-a946-cdcd1779156a', '2026-11-28 22:47:29.737+00', 'operator', 'test', 'key.created', 'key', 'WJcCSbw7GND603za', ''),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-96ff-7bf0-a804-32952829e8f9', '2026-11-28 22:47:29.791+00', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'key.created', 'key', 'liobwgOvtStw1osm', '5c23825ef0ffb2349f572aeb0e0678bd'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-97b7-73cd-9f29-664e687aef96', '2026-11-28 22:47:29.975+00', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'key.rotated', 'key', 'liobwgOvtStw1osm', 'b244a4d1023a91f05beea2de4604e8a4'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-97bf-7e25-9c5d-99bd6a232d81', '2026-11-28 22:47:29.983+00', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'key.created', 'key', '1PayOc37Uo6DD3aS', 'b244a4d1023a91f05beea2de4604e8a4'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-996f-7cac-880e-e989522d3199', '2026-11-28 22:47:30.415+00', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'chat.deleted', 'chat', '01a22457-9902-7658-8289-6a63e4e451ae', '2ca60a5c82dc47a4072f589beddfda3f'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-99d7-7551-baaf-57045df88c01', '2026-11-28 22:47:30.519+00', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'export.requested', 'export', '01a22457-99bd-734c-9d3a-ae18da2cb7ff', '202757586dc57a65d0851b374c078986'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-9a6c-702a-9e62-4263f547cece', '2026-11-28 22:47:30.668+00', 'member', '01a22457-91f7-7aca-af20-8b19e76c969c', 'export.downloaded', 'export', '01a22457-99bd-734c-9d3a-ae18da2cb7ff', 'e4c2e328424feb9fb14c0ca25536e39f');


--
-- Data for Name: chats; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.chats VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-982d-7236-8796-c3cee57b96aa', 'An order', '{billing}', '{"n":1.50}', NULL, 'v-1', '2026-03-01 10:00:00+00', '2026-03-01 10:00:00+00', NULL, 1),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-9834-758b-bdd7-8577c56a1dcc', NULL, '{vip}', '{}', NULL, 'v-2', '2026-03-02 23:59:59+00', '2026-03-02 23:59:59+00', NULL, 2),
	('01a22457-9118-7420-9f2c-d680b4b7d808', '01a22457-9980-74d8-a6c8-b955c7db4812', 'theirs', '{}', '{}', NULL, NULL, '2026-11-28 22:47:30.432+00', '2026-11-28 22:47:30.432+00', NULL, 13);


--
-- Data for Name: export_chats; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.export_chats VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-99bd-734c-9d3a-ae18da2cb7ff', 1, 0, '01a22457-982d-7236-8796-c3cee57b96aa', '01a22457-9834-758b-bdd7-8577c56a1dcc', '{01a22457-982d-7236-8796-c3cee57b96aa,01a22457-9834-758b-bdd7-8577c56a1dcc}');


--
-- Data for Name: export_chunks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.export_chunks VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-99bd-734c-9d3a-ae18da2cb7ff', 1, 0, 0, 948, 3670279976, '\x4ace482cf14cd1015121992539a91056627ab14e69716a91678a4e6a45496a515e624e28840b52e85c949a58929ae258a2939b5a5c9c989eea99a253940fd29b9f57929a57a2939b9f929aa3939358929a975ce95bac53929f9d9ae79c5f9a57a25350949f5b5012021228d649cecf2dc8492dc9cccf830ae4a69624a6249624ea14259664e6a5eb24c36ce2e532304c3432323135d7b5b4304ad135373236d3b530b734d34d364e4e4d35354fb2344b4cd471cc53c82f4a492dd2518a56524acaccc9c9cc4b57528a55d2d129d335d431323032d33530d635300c3134b03200213d030383281d64b3d374cdcd920c7493922c4d750dcdcc4c920d12cd8d12934cc1e1a1139e915a94aa9059ac905ba9e00fb2c95ee1d9e615cfa6b53f6e5cffb871e5e3c6c93a60505dab83c53a43b07574f38bb189aeb959aa896ea28149aaae81a159aa8961b2a1b19991b94e627171667149625e898e926789424e6a5a89427e9e826f7e5e4a62a58e827bd1e13d87e7a72ae9e818991ae8e818eb98e854d7ea941660f191117d7d949cac6b9e969aa29b646c66a89b9896966a6896689e66600c8d9d908cc4bc6c85cafc52701c801c0d71b2a1a1ae91458891919589b995b1819e91a951144a248002cad42249372925c55cd7c2d4dc3cd9d42cd130253959079c90ca320b6089c80862202811198518195b995a5a995a82c300391181cc4b3134d74d4c3234d135324bb3303230334e3330813a53c9233527275f4149a904949a9494741412759278b96c0db50d95d05c0eb2c838049c54ad0c60c907000000ffff');


--
-- Data for Name: exports; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.exports VALUES
	('01a22457-99bd-734c-9d3a-ae18da2cb7ff', '01a22457-910b-71c3-984b-986ad29979f0', '01a22457-91f7-7aca-af20-8b19e76c969c', 'done', 'csv', NULL, 'UTC', NULL, NULL, '{}', NULL, NULL, 4, 4, 948, '\x462da4e483d5e392e92376d25e20fb78e467c5b9adc83e619267e2698e098f75', NULL, '2026-11-28 22:47:30.493+00', '2026-11-28 22:47:30.647+00', '2126-11-28 22:48:28.053109+00', 1, NULL, NULL, '2026-11-28 22:47:30.535679+00', 1, '2026-11-28 22:47:30.502283+00', false, NULL, false, false, 0, false, '{}');


--
-- Data for Name: feedback; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.feedback VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-9834-76e4-a04e-016e41c13627', '01a22457-982d-7236-8796-c3cee57b96aa', 'up', 'Thanks!', '2026-11-28 22:47:30.229+00', 7),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-982d-7236-8796-c3cee57b96aa', '01a22457-982d-7236-8796-c3cee57b96aa', 'up', NULL, '2026-11-28 22:47:30.238+00', 9);


--
-- Data for Name: feedback_replaced; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: followers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.followers VALUES
	('01a22457-9118-7420-9f2c-d680b4b7d808', 'rollups', 14),
	('01a22457-910b-71c3-984b-986ad29979f0', 'rollups', 14),
	('01a22457-9118-7420-9f2c-d680b4b7d808', 'search', 14),
	('01a22457-910b-71c3-984b-986ad29979f0', 'search', 14);


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.idempotency_keys VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', 'messages', '01a22457-982d-7236-8796-c3cee57b96aa', 'thanks', '\x036fa6328cff5ee196e01a5717a749992217cfb9e83687d70a3d49f5b6987ebe', '01a22457-98cc-7fed-b361-affe16a7f035', '2026-11-28 22:47:30.25779+00');


--
-- Data for Name: messages; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.messages OVERRIDING SYSTEM VALUE VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-9834-758b-bdd7-8577c56a1dcc', 3, '01a22457-9834-7d17-ab14-26f82063f045', 'user', 'Hello "there", a,b' || chr(13) || '
=1+1', '{}', NULL, NULL, NULL, NULL, NULL, '2026-03-03 00:00:01+00'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-982d-7236-8796-c3cee57b96aa', 4, '01a22457-982f-76b0-bb95-1664c0a72ab5', 'user', 'Where is my Order? 注文はどこ', '{}', NULL, NULL, NULL, NULL, NULL, '2026-03-01 10:00:01+00'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-982d-7236-8796-c3cee57b96aa', 5, '01a22457-9834-76e4-a04e-016e41c13627', 'assistant', 'It left on Monday, Grüße', '{}', 250, NULL, 3, 4, NULL, '2026-03-01 10:00:02+00'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-982d-7236-8796-c3cee57b96aa', 10, '01a22457-98cc-7fed-b361-affe16a7f035', 'user', 'Thank you', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 22:47:30.252+00'),
	('01a22457-9118-7420-9f2c-d680b4b7d808', '01a22457-9980-74d8-a6c8-b955c7db4812', 14, '01a22457-9982-7469-96f7-d1f357b15d4e', 'user', 'their order', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 22:47:30.434+00');


--
-- Data for Name: organizations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.organizations VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', 'acme', 'acme', 'UTC', '2026-11-28 22:47:28.267+00', NULL, NULL),
	('01a22457-9118-7420-9f2c-d680b4b7d808', 'globex', 'globex', 'UTC', '2026-11-28 22:47:28.28+00', NULL, NULL);


--
-- Data for Name: password_failures; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.password_failures VALUES
	('\x03d59dd051760594a153154a787bca32cd736062431ddef9ddc4112d2adf50fc', 1, '2026-11-28 23:02:29.686673+00'),
	('\xc48ee94390681edf036ef6018867b4f0311235be6beb94b3a8dc3bc203bd0ba2', 1, '2026-11-28 23:02:29.686673+00');


--
-- Data for Name: rollup_names; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.rollup_names VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', 1, 'e:v-1'),
	('01a22457-910b-71c3-984b-986ad29979f0', 2, 'e:v-2'),
	('01a22457-910b-71c3-984b-986ad29979f0', 3, 't:billing'),
	('01a22457-910b-71c3-984b-986ad29979f0', 4, 't:vip');


--
-- Data for Name: rollups; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.rollups VALUES
	('01a22457-910b-71c3-984b-986ad29979f0', 0, '2026-03-01 10:00:00+00', '\x01070304000006010100000000fa01fa01fa0101', '\x0001010207d00f', '\x030102'),
	('01a22457-910b-71c3-984b-986ad29979f0', 0, '2026-03-02 23:45:00+00', '\x010000000000060000000000000000', '\x0002010000b8ef36', '\x040100'),
	('01a22457-910b-71c3-984b-986ad29979f0', 0, '2026-03-03 00:00:00+00', '\x000000000000060100000000000000', '\x0002000100e807', '\x040001'),
	('01a22457-910b-71c3-984b-986ad29979f0', 1, '2026-03-01 10:00:00+00', '\x01070304000006010100000000fa01fa01fa0101', '\x0001010207d00f', '\x030102'),
	('01a22457-910b-71c3-984b-986ad29979f0', 1, '2026-03-02 23:00:00+00', '\x010000000000060000000000000000', '\x000201000098d5db01', '\x040100'),
	('01a22457-910b-71c3-984b-986ad29979f0', 1, '2026-03-03 00:00:00+00', '\x000000000000060100000000000000', '\x0002000100e807', '\x040001'),
	('01a22457-910b-71c3-984b-986ad29979f0', 2, '2026-03-01 00:00:00+00', '\x01070304000006010100000000fa01fa01fa0101', '\x0001010207d0b19511', '\x030102'),
	('01a22457-910b-71c3-984b-986ad29979f0', 2, '2026-03-02 00:00:00+00', '\x010000000000060000000000000000', '\x000201000098b09929', '\x040100'),
	('01a22457-910b-71c3-984b-986ad29979f0', 2, '2026-03-03 00:00:00+00', '\x000000000000060100000000000000', '\x0002000100e807', '\x040001'),
	('01a22457-9118-7420-9f2c-d680b4b7d808', 0, '2026-11-28 22:45:00+00', '\x010000000000060100000000000000', '\x0000010100a29709', '\x'),
	('01a22457-9118-7420-9f2c-d680b4b7d808', 1, '2026-11-28 22:00:00+00', '\x010000000000060100000000000000', '\x000001010082fdad01', '\x'),
	('01a22457-9118-7420-9f2c-d680b4b7d808', 2, '2026-11-28 00:00:00+00', '\x010000000000060100000000000000', '\x000001010082fb8f27', '\x'),
	('01a22457-910b-71c3-984b-986ad29979f0', 0, '2026-11-28 22:45:00+00', '\x000000000200060100000000000000', '\x0001000100ec9509', '\x030001'),
	('01a22457-910b-71c3-984b-986ad29979f0', 1, '2026-11-28 22:00:00+00', '\x000000000200060100000000000000', '\x0001000100ccfbad01', '\x030001'),
	('01a22457-910b-71c3-984b-986ad29979f0', 2, '2026-11-28 00:00:00+00', '\x000000000200060100000000000000', '\x0001000100ccf98f27', '\x030001');


--
-- Data for Name: schemaversions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.schemaversions VALUES
	(1, '0001_organizations_members_and_keys.sql', '2026-11-28 22:47:23.585783', 'c6acc8b0ab36df403893127409bfa512ae6c2127db899b74810838cb04c04302', false),
	(2, '0002_chats_messages_and_feedback.sql', '2026-11-28 22:47:23.610415', '608ae04d19e68505312551de893a7b5faf3f11a15f2910ee801041ed733b1476', false),
	(3, '0003_exports.sql', '2026-11-28 22:47:23.638353', '9f626eb73232efc1f14714f9a7a3ee2973b393476959e0b7b0eb6c82755beddd', false),
	(4, '0004_audit.sql', '2026-11-28 22:47:23.651994', '11c55d802f93bf82a679ad8f63669e7a6e7a61aed13e5daac5e9f0c54f87300c', false),
	(5, '0005_purged_organizations.sql', '2026-11-28 22:47:23.672743', 'bfef0493ea765964e743ff151daeec26eab961862fc58a96c37d9f7eb1f6c1a4', false),
	(6, '0007_rotated_keys.sql', '2026-11-28 22:47:23.674554', 'c8ed541f6cf5fb873c93d9c63a5a3bec79abbaeab696f556f34bfdff252b0878', false),
	(7, '0008_password_failures.sql', '2026-11-28 22:47:23.675461', '184f402702cef7cd02b35e99c3bfd43cebbd2767280ace7615044abc13586ccd', false),
	(8, '0009_idempotency_keys.sql', '2026-11-28 22:47:23.6842', '82af8f0aff0ff82b310067c437dd1c822069769c0199b3e26ba0f6a6a57b0869', false),
	(9, '0010_arrivals.sql', '2026-11-28 22:47:23.686163', '29e6dd8f54e9227c9ab75e710c25c9fa5abffc46b359be7154f5981a362739eb', false),
	(10, '0012_rollups.sql', '2026-11-28 22:47:23.689743', '1f507c37414561425483b25bd9100cd86f14c35d75f4811836cf24172d56a4de', false),
	(11, '0013_search.sql', '2026-11-28 22:47:23.694475', '99d4c08a8cdb82416090e1d7577100616d97a8cd85bdd43d856f48b236c03153', false),
	(12, '0014_chat_filters_and_purge.sql', '2026-11-28 22:47:23.734663', 'eb8b4c5eda3d454806630948db1ad1f08324bdb2dd872a40acd44250102e6924', false),
	(13, '0015_export_options_and_membership.sql', '2026-11-28 22:47:23.737198', '809dcd4ba364fdc20cb5a9aa9612070a8563d3d474bc20d207ce34cae9143cb4', false);


--
-- Data for Name: search_chunks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.search_chunks VALUES
	('01a22457-9118-7420-9f2c-d680b4b7d808', '01a22457-9980-74d8-a6c8-b955c7db4812', 14, 14, '2026-11-28 22:47:30.432+00', '{-1065404552,-545307545}'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-9834-758b-bdd7-8577c56a1dcc', 3, 3, '2026-03-02 23:59:59+00', '{-1383604325,-297117019,-127734755,-61191893,521952890,574592601,1076925933}'),
	('01a22457-910b-71c3-984b-986ad29979f0', '01a22457-982d-7236-8796-c3cee57b96aa', 4, 10, '2026-03-01 10:00:00+00', '{-1932499152,-1609174379,-1412325484,-1363638210,-1317175808,-1216082192,-1102301698,-1079942997,-856621331,-690048318,-440642429,-275097721,-79312918,-38479821,-18135523,915751753,1015011852,1696266828,1780840837,1991442499,1998468357,2142817479}');


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sessions VALUES
	('01a22457-958a-79b5-b52b-a180bdcf731c', '01a22457-91f7-7aca-af20-8b19e76c969c', '2026-11-28 22:47:29.418+00', '2026-11-29 10:47:29.418+00');


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES
	('01a22457-9059-724d-a057-ceb59c69e248', NULL, 'root@chatlogger.example', 'Root', 'superadmin', '$2a$11$MvNcdUxmAAaf0R2o4ymAieRH3mNJDu5/MhhpWo7cP7RkXjILARdT2', '2026-11-28 22:47:28.089+00', '2026-11-28 22:47:28.089+00', NULL, NULL),
	('01a22457-91f7-7aca-af20-8b19e76c969c', '01a22457-910b-71c3-984b-986ad29979f0', 'ann@acme.example', 'Ann', 'admin', '$2a$11$S7j8Vps9lDQdfP33z3liXOo.cp2N/IcxCVNmN13D/IZrUnDo9ih0y', '2026-11-28 22:47:28.503+00', '2026-11-28 22:47:28.503+00', NULL, NULL),
	('01a22457-92f8-7fd2-9788-d5f2fcca6eb6', '01a22457-910b-71c3-984b-986ad29979f0', 'bob@acme.example', 'Bob', 'viewer', '$2a$11$Qn2pE/QGg1mX1vbKpwUMXu7SX9zEZFKsFtPSHKyG6p1/Y04oDxeK.', '2026-11-28 22:47:28.76+00', '2026-11-28 22:47:28.76+00', NULL, NULL),
	('01a22457-9437-7724-9a29-f8601988cacb', '01a22457-9118-7420-9f2c-d680b4b7d808', 'eve@globex.example', 'Eve', 'admin', '$2a$11$yTR1baYkQzXKpD8ry6U3auEokLz0HvJPU60gOkmJ7arBETBLS0hFu', '2026-11-28 22:47:29.079+00', '2026-11-28 22:47:29.079+00', NULL, NULL);


--
-- Name: messages_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.messages_seq_seq', 14, true);


--
-- Name: schemaversions_schemaversionsid_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.schemaversions_schemaversionsid_seq', 13, true);


--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);


--
-- Name: api_keys api_keys_public_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_public_id_key UNIQUE (public_id);


--
-- Name: arrivals arrivals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.arrivals
    ADD CONSTRAINT arrivals_pkey PRIMARY KEY (only_row);


--
-- Name: audit_events audit_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (org_id, id);


--
-- Name: chats chats_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chats
    ADD CONSTRAINT chats_pkey PRIMARY KEY (org_id, id);


--
-- Name: export_chats export_chats_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.export_chats
    ADD CONSTRAINT export_chats_pkey PRIMARY KEY (org_id, export_id, fence, index);


--
-- Name: export_chunks export_chunks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.export_chunks
    ADD CONSTRAINT export_chunks_pkey PRIMARY KEY (org_id, export_id, fence, index);


--
-- Name: exports exports_org_id_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_org_id_id_key UNIQUE (org_id, id);


--
-- Name: exports exports_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (id);


--
-- Name: feedback feedback_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (org_id, target_id);


--
-- Name: feedback_replaced feedback_replaced_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feedback_replaced
    ADD CONSTRAINT feedback_replaced_pkey PRIMARY KEY (org_id, until_seq);


--
-- Name: followers followers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.followers
    ADD CONSTRAINT followers_pkey PRIMARY KEY (org_id, follower);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (org_id, route, parent_id, key);


--
-- Name: messages messages_chat_id_seq_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_chat_id_seq_key UNIQUE (org_id, chat_id, seq);


--
-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (org_id, id);


--
-- Name: organizations organizations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);


--
-- Name: organizations organizations_slug_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organizations
    ADD CONSTRAINT organizations_slug_key UNIQUE (slug);


--
-- Name: password_failures password_failures_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.password_failures
    ADD CONSTRAINT password_failures_pkey PRIMARY KEY (subject);


--
-- Name: rollup_names rollup_names_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollup_names
    ADD CONSTRAINT rollup_names_name_key UNIQUE (org_id, name);


--
-- Name: rollup_names rollup_names_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollup_names
    ADD CONSTRAINT rollup_names_pkey PRIMARY KEY (org_id, no);


--
-- Name: rollups rollups_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollups
    ADD CONSTRAINT rollups_pkey PRIMARY KEY (org_id, tier, start);


--
-- Name: schemaversions schemaversions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schemaversions
    ADD CONSTRAINT schemaversions_pkey PRIMARY KEY (schemaversionsid);


--
-- Name: search_chunks search_chunks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.search_chunks
    ADD CONSTRAINT search_chunks_pkey PRIMARY KEY (org_id, chat_id, first_seq);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);


--
-- Name: users users_email_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);


--
-- Name: users users_org_id_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_org_id_id_key UNIQUE (org_id, id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: api_keys_org_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_keys_org_id_created_at_idx ON public.api_keys USING btree (org_id, created_at DESC, id DESC);


--
-- Name: audit_events_org_id_action_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_events_org_id_action_idx ON public.audit_events USING btree (org_id, action, at DESC, id DESC);


--
-- Name: audit_events_org_id_actor_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_events_org_id_actor_id_idx ON public.audit_events USING btree (org_id, actor_id, at DESC, id DESC);


--
-- Name: audit_events_org_id_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_events_org_id_at_idx ON public.audit_events USING btree (org_id, at DESC, id DESC);


--
-- Name: chats_org_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chats_org_id_created_at_idx ON public.chats USING btree (org_id, created_at DESC, id DESC) WHERE (deleted_at IS NULL);


--
-- Name: chats_org_id_deleted_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chats_org_id_deleted_at_idx ON public.chats USING btree (org_id, deleted_at, id) WHERE (deleted_at IS NOT NULL);


--
-- Name: chats_org_id_external_user_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chats_org_id_external_user_id_created_at_idx ON public.chats USING btree (org_id, external_user_id, created_at DESC, id DESC) WHERE ((external_user_id IS NOT NULL) AND (deleted_at IS NULL));


--
-- Name: chats_org_id_seq_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chats_org_id_seq_idx ON public.chats USING btree (org_id, seq);


--
-- Name: chats_org_id_user_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chats_org_id_user_id_created_at_idx ON public.chats USING btree (org_id, user_id, created_at DESC, id DESC) WHERE ((user_id IS NOT NULL) AND (deleted_at IS NULL));


--
-- Name: chats_tags_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chats_tags_idx ON public.chats USING gin (org_id, tags) WITH (gin_pending_list_limit='256') WHERE ((tags <> '{}'::text[]) AND (deleted_at IS NULL));


--
-- Name: exports_expires_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX exports_expires_at_idx ON public.exports USING btree (expires_at) WHERE (state = 'done'::text);


--
-- Name: exports_leftovers_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX exports_leftovers_idx ON public.exports USING btree (id) WHERE leftovers;


--
-- Name: exports_org_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX exports_org_id_created_at_idx ON public.exports USING btree (org_id, created_at DESC, id DESC);


--
-- Name: exports_org_id_slot_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX exports_org_id_slot_key ON public.exports USING btree (org_id, slot) WHERE (slot IS NOT NULL);


--
-- Name: exports_outdated_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX exports_outdated_idx ON public.exports USING btree (id) WHERE (outdated AND (state = 'done'::text));


--
-- Name: exports_pending_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX exports_pending_idx ON public.exports USING btree (next_attempt_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));


--
-- Name: feedback_org_id_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX feedback_org_id_at_idx ON public.feedback USING btree (org_id, at);


--
-- Name: feedback_org_id_chat_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX feedback_org_id_chat_id_idx ON public.feedback USING btree (org_id, chat_id);


--
-- Name: feedback_org_id_seq_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX feedback_org_id_seq_idx ON public.feedback USING btree (org_id, seq);


--
-- Name: idempotency_keys_org_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_org_id_created_at_idx ON public.idempotency_keys USING btree (org_id, created_at);


--
-- Name: messages_org_id_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_org_id_created_at_idx ON public.messages USING btree (org_id, created_at);


--
-- Name: messages_org_id_seq_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_org_id_seq_idx ON public.messages USING btree (org_id, seq);


--
-- Name: organizations_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX organizations_created_at_idx ON public.organizations USING btree (created_at DESC, id DESC) WHERE (deleted_at IS NULL);


--
-- Name: organizations_unpurged_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX organizations_unpurged_idx ON public.organizations USING btree (deleted_at) WHERE ((deleted_at IS NOT NULL) AND (purged_at IS NULL));


--
-- Name: password_failures_window_ends_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX password_failures_window_ends_at_idx ON public.password_failures USING btree (window_ends_at);


--
-- Name: search_chunks_tokens_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX search_chunks_tokens_idx ON public.search_chunks USING gin (org_id, tokens) WITH (gin_pending_list_limit='2048');


--
-- Name: sessions_user_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);


--
-- Name: api_keys api_keys_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- Name: audit_events audit_events_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- Name: chats chats_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chats
    ADD CONSTRAINT chats_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- Name: chats chats_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chats
    ADD CONSTRAINT chats_user_id_fkey FOREIGN KEY (org_id, user_id) REFERENCES public.users(org_id, id);


--
-- Name: export_chats export_chats_export_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.export_chats
    ADD CONSTRAINT export_chats_export_id_fkey FOREIGN KEY (org_id, export_id) REFERENCES public.exports(org_id, id);


--
-- Name: export_chunks export_chunks_export_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.export_chunks
    ADD CONSTRAINT export_chunks_export_id_fkey FOREIGN KEY (org_id, export_id) REFERENCES public.exports(org_id, id);


--
-- Name: exports exports_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- Name: feedback feedback_chat_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_chat_id_fkey FOREIGN KEY (org_id, chat_id) REFERENCES public.chats(org_id, id);


--
-- Name: followers followers_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.followers
    ADD CONSTRAINT followers_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- Name: messages messages_chat_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_chat_id_fkey FOREIGN KEY (org_id, chat_id) REFERENCES public.chats(org_id, id);


--
-- Name: rollup_names rollup_names_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollup_names
    ADD CONSTRAINT rollup_names_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- Name: rollups rollups_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rollups
    ADD CONSTRAINT rollups_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- Name: search_chunks search_chunks_chat_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.search_chunks
    ADD CONSTRAINT search_chunks_chat_id_fkey FOREIGN KEY (org_id, chat_id) REFERENCES public.chats(org_id, id);


--
-- Name: sessions sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- Name: users users_org_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organizations(id);


--
-- PostgreSQL database dump complete
--


