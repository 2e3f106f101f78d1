-- Brings the connections that the settings choose into Open WebUI's own configuration, logged in as Open WebUI's role: code
-- that this database has never runs as the administrator. May run any number of times.
\getenv models OPENAI_API_BASE_URLS
\getenv key OPENAI_API_KEYS
\getenv search SEARXNG_QUERY_URL
\getenv address WEBUI_URL
-- The server logs a statement that fails, so the key is in none of those below.
SELECT set_config('aiserver.key', :'key', false) AS key
\gset

-- One row for each value (backend/open_webui/models/config.py, since 0.10). Before the first start, there is none, and
-- Open WebUI takes the values from the environment.
SELECT EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'config' AND column_name = 'key') AS is_there
\gset
\if :is_there
BEGIN;

-- Connections are three values: addresses, keys, and what a person chose for each, by its number. Ours is the last one;
-- the connections of others stay, with what was chosen for them.
WITH now AS (
    SELECT coalesce((SELECT value::jsonb FROM config WHERE key = 'openai.api_base_urls'), '[]') AS urls,
        coalesce((SELECT value::jsonb FROM config WHERE key = 'openai.api_keys'), '[]') AS keys,
        coalesce((SELECT value::jsonb FROM config WHERE key = 'openai.api_configs'), '{}') AS configs
), found AS (
    SELECT n, url, keys ->> (n - 1)::int AS key, configs -> (n - 1)::text AS config,
        url IN ('http://oneapi:3000/v1', 'http://local-models:8080/v1') AS is_ours
    FROM now, jsonb_array_elements_text(urls) WITH ORDINALITY AS each (url, n)
), kept AS (
    SELECT row_number() OVER (ORDER BY n) - 1 AS i, url, key, config FROM (
        SELECT n, url, key, config FROM found
        -- What it asks without any connection.
        WHERE NOT is_ours AND NOT (url = 'https://api.openai.com/v1' AND coalesce(key, '') = '')
        UNION ALL
        SELECT 1e9, :'models', current_setting('aiserver.key'), (SELECT config FROM found WHERE url = :'models' LIMIT 1) WHERE :'models' <> ''
    ) AS wanted
), new (key, value) AS (
    SELECT 'openai.api_base_urls', coalesce(jsonb_agg(url ORDER BY i), '[]') FROM kept
    UNION ALL
    SELECT 'openai.api_keys', coalesce(jsonb_agg(coalesce(key, '') ORDER BY i), '[]') FROM kept
    UNION ALL
    SELECT 'openai.api_configs', coalesce(jsonb_object_agg(i::text, config) FILTER (WHERE config IS NOT NULL), '{}') FROM kept
    UNION ALL
    SELECT 'openai.enable', 'true' WHERE :'models' <> ''
    UNION ALL
    SELECT 'webui.url', to_jsonb(:'address'::text)
    UNION ALL
    SELECT 'web.search.enable', 'true' WHERE :'search' <> ''
    UNION ALL
    SELECT 'web.search.engine', '"searxng"' WHERE :'search' <> ''
    UNION ALL
    SELECT 'web.search.searxng_query_url', to_jsonb(:'search'::text) WHERE :'search' <> ''
    UNION ALL
    -- No longer by SearXNG of this stack.
    SELECT 'web.search.enable', 'false' WHERE :'search' = '' AND EXISTS (
        SELECT FROM config WHERE key = 'web.search.searxng_query_url' AND value #>> '{}' = 'http://searxng:8080/search'
    ) AND EXISTS (SELECT FROM config WHERE key = 'web.search.engine' AND value #>> '{}' = 'searxng')
)
INSERT INTO config (key, value, updated_at) SELECT key, value::json, extract(epoch FROM now())::bigint FROM new
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at;
COMMIT;
\endif
