// What a program has that is traced with OpenTelemetry already; it reads the OTEL_ variables.
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import { NodeSDK } from '@opentelemetry/sdk-node'
import OpenAI from 'openai'

const instrumentation = new OpenAIInstrumentation()
const sdk = new NodeSDK({ instrumentations: [instrumentation] })
sdk.start()
instrumentation.manuallyInstrument(OpenAI)
process.once('beforeExit', () => sdk.shutdown())
