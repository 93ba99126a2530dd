// Generates the types of the API from the OpenAPI document, so that a dashboard that does not fit the API is not built.
import { mkdir, writeFile } from 'node:fs/promises'
import openapiTypescript, { astToString } from 'openapi-typescript'

await mkdir(new URL('build', import.meta.url), { recursive: true })
const document = await openapiTypescript(new URL('../../docs/openapi.json', import.meta.url))
await writeFile(new URL('build/api.ts', import.meta.url), astToString(document))
