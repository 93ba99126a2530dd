import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { GET, body } from '../../api'
import { onLive } from '../../live'
import { org, screen } from '../../session'
import { query } from '../../router'
import { t } from '../../text'
import { Empty } from '../../ui/basics'
import { Conversation } from './conversation'
import { FirstRun } from './first-run'
import { ChatList } from './list'

/** The list of chats, the conversation that is open, and its facts. */
export function Chats() {
  const open = screen.value[1]
  const isEmpty = useSignal(false)

  useEffect(() => {
    if (!isEmpty.value) return
    return onLive(async () => {
      const page = await body(GET('/orgs/{org}/chats', { params: { path: { org: org.value }, query: { limit: 1 } } })).catch(() => null)
      if (page && page.items.length > 0) isEmpty.value = false
    })
  }, [isEmpty.value])

  if (isEmpty.value && !open && query.value.size === 0) return <FirstRun />
  return (
    <div class={`chats ${open ? 'reading' : ''}`}>
      <ChatList open={open} none={() => (isEmpty.value = true)} />
      {open ? (
        <Conversation key={open} id={open} />
      ) : (
        <div class="pane nothing-open">
          <Empty icon="chats" title={t.chats.pick}>
            <p>{t.chats.pickHint}</p>
          </Empty>
        </div>
      )}
    </div>
  )
}
